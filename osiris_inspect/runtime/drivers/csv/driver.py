"""CSV files: extractor and writer."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final

import pandas as pd

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.csv import writer
from osiris_inspect.runtime.drivers.csv.file_checks import add_signs, check_file
from osiris_inspect.runtime.drivers.csv.file_formats import other_format
from osiris_inspect.runtime.drivers.csv.number_like_codes import may_have_codes
from osiris_inspect.runtime.drivers.csv.read_facts import Fact, line_facts, row_facts
from osiris_inspect.runtime.drivers.csv.reader import CsvFile, open_csv
from osiris_inspect.runtime.drivers.csv.rejected_rows import record_rejected_rows
from osiris_inspect.runtime.drivers.csv.syntax.dialect import AUTO
from osiris_inspect.runtime.drivers.csv.timestamps import days_read_as_months, parse_timestamp_columns
from osiris_inspect.runtime.drivers.csv.type_inference import unify_types
from osiris_inspect.runtime.drivers.csv.value_facts import COMMAS, columns_with_commas, value_facts
from osiris_inspect.runtime.drivers.interface.driver import Config, DriverContext, Inputs, errors_name_step
from osiris_inspect.runtime.drivers.interface.file_paths import input_paths, output_file
from osiris_inspect.runtime.drivers.interface.files_read import files_facts
from osiris_inspect.runtime.drivers.interface.writer_input import writer_input

MAX_KEPT: Final = 20
"""Columns of codes that are recorded."""


class CsvExtractor:
    """Reads CSV files."""

    def run(self, *, step_id: str, config: Config, inputs: Inputs, ctx: DriverContext) -> Mapping[str, Any]:
        """Return the rows of the files as a frame, which has columns even without rows."""
        del inputs
        parts: list[tuple[CsvFile, pd.DataFrame]] = []
        signs: dict[str, int | str] = {}
        rows, limit = 0, config.get("limit")
        with errors_name_step(step_id):
            paths = input_paths(config, ctx, "CSV")
            for path in paths:
                if parts and limit is not None and rows >= limit:
                    break
                file = open_csv(path, config, None if limit is None else limit - rows)
                _check_same_columns(file, parts[0][0] if parts else file)
                parts.append((file, file.frame()))
                add_signs(signs, check_file(*parts[-1]))
                add_signs(signs, line_facts(*parts[-1]))
                rows += len(parts[-1][1])
                ctx.progress(rows)
            ctx.metric("rows_read", rows)
            file_column = config.get("file_column")
            counts = [(file.path, len(part)) for file, part in parts]
            file_facts = files_facts(config, ctx, counts, len(paths)) | other_format(parts)
            frame, facts = _concatenate(parts, file_column)
            rows_of_files = frame.drop(columns=file_column) if file_column else frame
            files = [file for file, _ in parts]
            if config["delimiter"] == AUTO:
                facts["dialect"] = _sniffed(files)
            facts |= row_facts(files, rows_of_files) | value_facts(files, rows_of_files)
            ctx.describe_source({**signs, **facts, **file_facts})
            if config.get("on_bad_lines", "error") == "error":
                return {"df": frame}
            rejected = record_rejected_rows(files, ctx)
            ctx.metric("lines_left_out", rejected)
            return {"df": frame, "rows_rejected": rejected}


class CsvWriter:
    """Writes one CSV file atomically."""

    def run(self, *, step_id: str, config: Config, inputs: Inputs, ctx: DriverContext) -> Mapping[str, Any]:
        """Write the input; the old file stays until the new one is complete."""
        with errors_name_step(step_id):
            dialect = writer.dialect_for(config)
            frames = writer_input(config, inputs)
            schema, batches = frames.batches(writer.ROWS_PER_BATCH)
            with output_file(config, ctx) as path, writer.csv_write_errors(config):
                written = writer.write(path, schema, batches, frames.natural, dialect, ctx.progress)
        ctx.metric("rows_written", written)
        return {"rows_written": written}


def _sniffed(files: Sequence[CsvFile]) -> dict[str, str]:
    """Return the delimiter of the files, or of the first files if it is not the same."""
    delimiters = {str(file.path): str(file.config["delimiter"]) for file in files}
    different = {*delimiters.values()}
    return (
        {"delimiter": different.pop()} if len(different) == 1 else dict(islice(delimiters.items(), MAX_KEPT))
    )


def _check_same_columns(file: CsvFile, first: CsvFile) -> None:
    if file.columns != first.columns:
        names, first_names = (", ".join(map(str, columns)) for columns in (file.columns, first.columns))
        raise DriverError(
            f"{file.path} has columns {names}; the files before it have {first_names}",
            kind="columns-differ",
            fix="read the files in steps of their own, or set columns to those that all have",
            path=str(file.path),
            columns=list(map(str, file.columns)),
            expected_columns=list(map(str, first.columns)),
        )


def _concatenate(
    parts: list[tuple[CsvFile, pd.DataFrame]], file_column: str | None
) -> tuple[pd.DataFrame, dict[str, Fact]]:
    """Return the rows of all files, with the types of a single file that contains all lines, and facts of the types."""
    # a file without rows has no types in pandas
    parts = [(file, frame) for file, frame in parts if len(frame)] or parts[:1]
    files, frames = [file for file, _ in parts], [frame for _, frame in parts]
    kept = unify_types(
        frames,
        lambda names: [file.text_columns(names, len(frame)) for file, frame in parts],
        files[0].dtypes,
        files[0].null_values,
        files[0].numbers,
        may_have_codes=may_have_codes(files),
    )
    if file_column:
        for file, frame in parts:
            file.check_new_column(file_column)
            frame[file_column] = str(file.path)
    joint = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    facts: dict[str, Fact] = {}
    inferred = {**kept, **dict.fromkeys(columns_with_commas(joint, files[0]), COMMAS)}
    if inferred:
        facts["dtype_inferred"] = {
            str(name): f"text: {reason}" for name, reason in islice(inferred.items(), MAX_KEPT)
        }
    parsed = parse_timestamp_columns(joint, files[0], codes=kept)
    swapped = days_read_as_months(joint, parsed, files[0])
    if swapped:
        facts["days_read_as_months"] = swapped
    return parsed, facts

"""CSV files in and out."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.csv import reader as csv_read
from osiris_inspect.runtime.drivers.csv import timestamps as csv_times
from osiris_inspect.runtime.drivers.csv import type_inference as csv_types
from osiris_inspect.runtime.drivers.csv import writer as csv_write
from osiris_inspect.runtime.drivers.csv.reader import CsvFile
from osiris_inspect.runtime.drivers.interface import file_paths as files
from osiris_inspect.runtime.drivers.interface import writer_input as incoming
from osiris_inspect.runtime.drivers.interface.driver import DriverContext
from osiris_inspect.runtime.frames.resolved_input import ResolvedInput


class CsvExtractor:
    """Reads CSV files."""

    def run(
        self,
        *,
        step_id: str,
        config: Mapping[str, Any],
        inputs: Mapping[str, ResolvedInput],
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """The files' rows as a frame; a file with a header alone gives its columns and no row."""
        del inputs
        read: list[tuple[CsvFile, pd.DataFrame]] = []
        rows, limit = 0, config.get("limit")
        for path in files.input_paths(step_id, config, ctx, "CSV"):
            if read and limit is not None and rows >= limit:
                break
            file = csv_read.open_csv(step_id, path, config, None if limit is None else limit - rows)
            _check_same_columns(file, read[0][0] if read else file)
            read.append((file, file.frame()))
            rows += len(read[-1][1])
            ctx.progress(rows)
        ctx.metric("rows_read", rows)
        if config.get("on_bad_lines", "error") != "error":
            ctx.metric("lines_left_out", sum(len(file.skipped_lines) for file, _ in read))
        return {"df": _concatenate(read, config.get("file_column"))}


class CsvWriter:
    """Writes one CSV file, whole or not at all."""

    def run(
        self,
        *,
        step_id: str,
        config: Mapping[str, Any],
        inputs: Mapping[str, ResolvedInput],
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """Write the input; the old file stands until the new one is whole."""
        form = csv_write.dialect_for(step_id, config)
        frames = incoming.from_inputs(step_id, config, inputs)
        with files.output_file(step_id, config, ctx) as path, csv_write.csv_write_errors(step_id, config):
            written = csv_write.write(path, frames.frames(), form, ctx.progress)
        ctx.metric("rows_written", written)
        return {"rows_written": written}


def _check_same_columns(file: CsvFile, first: CsvFile) -> None:
    if file.columns != first.columns:
        has, had = (", ".join(map(str, columns)) for columns in (file.columns, first.columns))
        raise DriverError(
            f"step {file.step_id!r}: {file.path} has columns {has}; the files before it have {had}"
        )


def _concatenate(read: list[tuple[CsvFile, pd.DataFrame]], file_column: str | None) -> pd.DataFrame:
    """The rows of all files, in the types that one file with all their lines would have."""
    # pandas knows no types for a file without a row; those with rows say them
    counted = [(file, frame) for file, frame in read if len(frame)] or read[:1]
    first, parts = counted[0][0], [frame for _, frame in counted]
    csv_types.unify_types(
        parts,
        lambda names: [file.text_columns(names, len(frame)) for file, frame in counted],
        first.dtypes,
        first.null_values,
    )
    if file_column:
        for file, frame in counted:
            file.check_new(file_column)
            frame[file_column] = str(file.path)
    frame = parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)
    return csv_times.parse_timestamp_columns(frame, first)

"""Parquet files: extractor and writer."""

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as kinds

from osiris_inspect.base.near_names import suggestion
from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.driver import Config, DriverContext, Inputs, errors_name_step
from osiris_inspect.runtime.drivers.interface.file_format import (
    extractor_fix,
    recognized_format,
    unreadable_file,
)
from osiris_inspect.runtime.drivers.interface.file_paths import input_paths, output_file
from osiris_inspect.runtime.drivers.interface.files_read import files_facts
from osiris_inspect.runtime.drivers.interface.frame_columns import check_unique_names
from osiris_inspect.runtime.drivers.interface.repeated_blocks import blocks_of_table
from osiris_inspect.runtime.drivers.interface.writer_input import writer_input
from osiris_inspect.runtime.files.memory_limit import memory_error
from osiris_inspect.runtime.frames.conversion.natural import Natural

_SAMPLE_ROWS: Final = 4096
_MAX_DIFFERENT: Final = 0.3
"""Part of the first cells that may differ in a column with a dictionary."""


class ParquetExtractor:
    """Reads Parquet files."""

    def run(self, *, step_id: str, config: Config, inputs: Inputs, ctx: DriverContext) -> Mapping[str, Any]:
        """Return the rows of the files as one Arrow table, in the types of the files."""
        del inputs
        tables: list[pa.Table] = []
        rows = 0
        with errors_name_step(step_id):
            paths = input_paths(config, ctx, "Parquet")
            for path in paths:
                table = _read(path, config.get("columns"))
                if tables and table.schema.names != tables[0].schema.names:
                    names, first = ", ".join(table.schema.names), ", ".join(tables[0].schema.names)
                    raise DriverError(
                        f"{path} has columns {names}; the files before it have {first}",
                        kind="columns-differ",
                        fix="read the files in steps of their own, or set columns to those that all have",
                        path=str(path),
                        columns=table.schema.names,
                        expected_columns=tables[0].schema.names,
                    )
                tables.append(table)
                rows += table.num_rows
                ctx.progress(rows)
            ctx.metric("rows_read", rows)
            try:
                table = pa.concat_tables(tables, promote_options="permissive")
            except MemoryError as error:
                raise memory_error("appending the files", error) from error
            except pa.ArrowException as error:
                raise DriverError(
                    f"the types of the files differ: {error}",
                    kind="columns-differ",
                    fix="read the files in steps of their own, and cast the columns to one type",
                ) from error
            counts = [part.num_rows for part in tables]
            ctx.describe_source(files_facts(config, ctx, list(zip(paths, counts, strict=True)), len(paths)))
            blocks = blocks_of_table(table)
            if blocks > 1:
                ctx.describe_source({"repeated_blocks": blocks})
            return {"df": table}


class ParquetWriter:
    """Writes one Parquet file atomically.

    An interval of months, days and nanoseconds is a structure of these three, because Parquet has no such type that
    pyarrow, DuckDB and pandas read.
    """

    def run(self, *, step_id: str, config: Config, inputs: Inputs, ctx: DriverContext) -> Mapping[str, Any]:
        """Write the input in batches; the old file stays until the new one is complete."""
        written = 0
        with errors_name_step(step_id):
            frames = writer_input(config, inputs)
            check_unique_names(frames.names)
            schema, batches = _with_uuids(*frames.batches(), frames.natural)
            first = next(batches, None)
            with (
                output_file(config, ctx) as path,
                pq.ParquetWriter(
                    path,
                    schema,
                    compression=config["compression"],
                    use_dictionary=True if first is None else _with_dictionary(first),
                    write_page_checksum=True,
                ) as file,
            ):
                for batch in chain([first] if first is not None else [], batches):
                    file.write_batch(batch)
                    written += batch.num_rows
                    ctx.progress(written)
        ctx.metric("rows_written", written)
        return {"rows_written": written}


def _with_dictionary(first: pa.RecordBatch) -> list[str] | bool:
    """Return the columns whose cells repeat in the first rows; a dictionary of others takes half of the time.

    True, which is all columns, if there are nested ones, which are named by their leaves.
    """
    if any(kinds.is_nested(column.type) for column in first.columns):
        return True
    return [
        name for name, column in zip(first.schema.names, first.columns, strict=True) if _is_repeated(column)
    ]


def _is_repeated(column: pa.Array) -> bool:
    if kinds.is_dictionary(column.type) or isinstance(column, pa.ExtensionArray):
        return bool(kinds.is_dictionary(column.type))
    cells = column.slice(0, _SAMPLE_ROWS)
    return bool(len(cells.unique()) <= max(_MAX_DIFFERENT * len(cells), 1))


def _with_uuids(
    schema: pa.Schema, batches: Iterator[pa.RecordBatch], natural: Mapping[str, Natural]
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Return the batches with columns of UUIDs, which are text in natural form, in Parquet's own type."""
    positions = {number for number, name in enumerate(schema.names) if natural[name].kind == "uuid"}
    if not positions:
        return schema, batches
    fields = [
        field.with_type(pa.uuid()) if number in positions else field for number, field in enumerate(schema)
    ]
    with_uuids = pa.schema(fields)
    return with_uuids, (
        pa.RecordBatch.from_arrays(
            [
                _uuids(column) if number in positions else column
                for number, column in enumerate(batch.columns)
            ],
            schema=with_uuids,
        )
        for batch in batches
    )


def _uuids(texts: pa.Array) -> pa.Array:
    values = [None if text is None else UUID(text).bytes for text in texts.to_pylist()]
    return pa.ExtensionArray.from_storage(pa.uuid(), pa.array(values, pa.binary(16)))


def _read(path: Path, columns: list[str] | None) -> pa.Table:
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            missing = [name for name in columns or () if name not in file.schema_arrow.names]
            if missing:
                names = file.schema_arrow.names
                raise DriverError(
                    f"{path} has no column {', '.join(map(repr, missing))}; it has {', '.join(names)}",
                    kind="column-missing",
                    fix=suggestion(missing[0], names, "correct columns of the step"),
                    path=str(path),
                    column=missing[0],
                    missing=missing,
                    columns=names,
                )
            table = file.read(columns)
    except MemoryError as error:  # also an Arrow exception; the file may be complete
        raise memory_error(f"reading {path}", error, path=str(path)) from error
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise unreadable_file(path, error) from error
        raise _not_parquet(path, error) from error  # Arrow's errors of damaged files have no number
    return (table.select(columns) if columns else table).replace_schema_metadata(None)


def _not_parquet(path: Path, error: Exception) -> DriverError:
    reason = str(error).splitlines()[0]
    with path.open("rb") as file:
        start = file.read(4)
    if start in (b"PAR1", b""):
        return DriverError(
            f"{path} is not a complete Parquet file: {reason}",
            kind="file-unreadable",
            fix="write or copy the file again",
            path=str(path),
        )
    form = recognized_format(path)
    kind_of_file = f"it is {form.description}" if form else "it does not begin with PAR1"
    return DriverError(
        f"{path} is not a complete Parquet file: {kind_of_file}",
        kind="file-format-wrong",
        fix=extractor_fix(path, form, "Parquet"),
        path=str(path),
        format=form.name if form else None,
    )

"""Parquet files in and out."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface import file_paths as files
from osiris_inspect.runtime.drivers.interface import writer_input as incoming
from osiris_inspect.runtime.drivers.interface.driver import DriverContext
from osiris_inspect.runtime.frames.resolved_input import ResolvedInput


class ParquetExtractor:
    """Reads Parquet files."""

    def run(
        self,
        *,
        step_id: str,
        config: Mapping[str, Any],
        inputs: Mapping[str, ResolvedInput],
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """The files' rows as one Arrow table, in the types of the files."""
        del inputs
        tables: list[pa.Table] = []
        rows = 0
        for path in files.input_paths(step_id, config, ctx, "Parquet"):
            try:
                table = _read(step_id, path, config.get("columns"))
            except (pa.ArrowException, OSError) as error:
                text = str(error).splitlines()[0]
                raise DriverError(f"step {step_id!r}: {path} is no whole Parquet file: {text}") from error
            if tables and table.schema.names != tables[0].schema.names:
                has, first = ", ".join(table.schema.names), ", ".join(tables[0].schema.names)
                raise DriverError(
                    f"step {step_id!r}: {path} has columns {has}; the files before it have {first}"
                )
            tables.append(table)
            rows += table.num_rows
            ctx.progress(rows)
        ctx.metric("rows_read", rows)
        try:
            return {"df": pa.concat_tables(tables, promote_options="permissive")}
        except pa.ArrowException as error:
            raise DriverError(f"step {step_id!r}: the files' types differ: {error}") from error


class ParquetWriter:
    """Writes one Parquet file, whole or not at all."""

    def run(
        self,
        *,
        step_id: str,
        config: Mapping[str, Any],
        inputs: Mapping[str, ResolvedInput],
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """Write the input a batch at a time; the old file stands until the new one is whole."""
        schema, batches = incoming.from_inputs(step_id, config, inputs).batches()
        written = 0
        with (
            files.output_file(step_id, config, ctx) as path,
            pq.ParquetWriter(
                path, schema, compression=config["compression"], write_page_checksum=True
            ) as file,
        ):
            for batch in batches:
                file.write_batch(batch)
                written += batch.num_rows
                ctx.progress(written)
        ctx.metric("rows_written", written)
        return {"rows_written": written}


def _read(step_id: str, path: Any, columns: list[str] | None) -> pa.Table:
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        missing = [name for name in columns or () if name not in file.schema_arrow.names]
        if missing:
            there = ", ".join(file.schema_arrow.names)
            raise DriverError(
                f"step {step_id!r}: {path} has no column {', '.join(map(repr, missing))}; it has {there}"
            )
        table = file.read(columns)
    return (table.select(columns) if columns else table).replace_schema_metadata(None)

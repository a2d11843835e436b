"""Parquet files: extractor and writer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.driver import Config, DriverContext, Inputs, errors_name_step
from osiris_inspect.runtime.drivers.interface.file_paths import input_paths, output_file
from osiris_inspect.runtime.drivers.interface.writer_input import writer_input


class ParquetExtractor:
    """Reads Parquet files."""

    def run(self, *, step_id: str, config: Config, inputs: Inputs, ctx: DriverContext) -> Mapping[str, Any]:
        """Return the rows of the files as one Arrow table, in the types of the files."""
        del inputs
        tables: list[pa.Table] = []
        rows = 0
        with errors_name_step(step_id):
            for path in input_paths(config, ctx, "Parquet"):
                table = _read(path, config.get("columns"))
                if tables and table.schema.names != tables[0].schema.names:
                    names, first = ", ".join(table.schema.names), ", ".join(tables[0].schema.names)
                    raise DriverError(f"{path} has columns {names}; the files before it have {first}")
                tables.append(table)
                rows += table.num_rows
                ctx.progress(rows)
            ctx.metric("rows_read", rows)
            try:
                return {"df": pa.concat_tables(tables, promote_options="permissive")}
            except pa.ArrowException as error:
                raise DriverError(f"the types of the files differ: {error}") from error


class ParquetWriter:
    """Writes one Parquet file atomically."""

    def run(self, *, step_id: str, config: Config, inputs: Inputs, ctx: DriverContext) -> Mapping[str, Any]:
        """Write the input in batches; the old file stays until the new one is complete."""
        written = 0
        with errors_name_step(step_id):
            schema, batches = writer_input(config, inputs).batches()
            with (
                output_file(config, ctx) as path,
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


def _read(path: Path, columns: list[str] | None) -> pa.Table:
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            missing = [name for name in columns or () if name not in file.schema_arrow.names]
            if missing:
                text = f"{path} has no column {', '.join(map(repr, missing))}"
                raise DriverError(f"{text}; it has {', '.join(file.schema_arrow.names)}")
            table = file.read(columns)
    except (pa.ArrowException, OSError) as error:
        raise DriverError(f"{path} is not a complete Parquet file: {str(error).splitlines()[0]}") from error
    return (table.select(columns) if columns else table).replace_schema_metadata(None)

"""SQLite extractor and writer."""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import pyarrow as pa

from osiris_inspect.runtime.drivers.interface.database import closing_stream
from osiris_inspect.runtime.drivers.interface.driver import Config, DriverContext, Inputs, errors_name_step
from osiris_inspect.runtime.drivers.interface.file_paths import input_file
from osiris_inspect.runtime.drivers.interface.writer_input import writer_input
from osiris_inspect.runtime.drivers.sqlite import writer
from osiris_inspect.runtime.drivers.sqlite.connect import read_only, test_connection, with_path
from osiris_inspect.runtime.drivers.sqlite.reader import SqliteQuery

__all__ = ["SqliteExtractor", "SqliteWriter", "test_connection"]


class SqliteExtractor:
    """Runs one query, or reads one table."""

    def run(self, *, step_id: str, config: Config, inputs: Inputs, ctx: DriverContext) -> Mapping[str, Any]:
        """Return the rows as a stream of Arrow batches, which has typed columns even without rows.

        Raises:
            DriverError: the file cannot be read, or SQLite reports an error. Later errors are raised by the stream.
        """
        del inputs
        with ExitStack() as stack, errors_name_step(step_id):
            config = with_path(config)
            path = input_file(config, ctx, "SQLite")
            session = stack.enter_context(read_only(path, config["lock_timeout"]))
            stack.enter_context(ctx.cancel.on_cancel(session.interrupt))
            schema, batches = SqliteQuery(session, path, config, ctx).open()
            return {
                "df": pa.RecordBatchReader.from_batches(schema, closing_stream(batches(), stack.pop_all()))
            }


class SqliteWriter:
    """Writes one frame."""

    def run(self, *, step_id: str, config: Config, inputs: Inputs, ctx: DriverContext) -> Mapping[str, Any]:
        """Write the input in one transaction.

        Raises:
            DriverError: the input cannot be written, or SQLite reports an error; the file is unchanged.
        """
        with errors_name_step(step_id):
            rows = writer.write(with_path(config), writer_input(config, inputs), ctx)
        ctx.metric("rows_written", rows)
        return {"rows_written": rows}

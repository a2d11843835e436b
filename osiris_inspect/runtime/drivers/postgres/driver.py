"""PostgreSQL extractor and writer."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import psycopg
import pyarrow as pa

from osiris_inspect.runtime.drivers.interface.database import closing_stream
from osiris_inspect.runtime.drivers.interface.driver import Config, DriverContext, Inputs, errors_name_step
from osiris_inspect.runtime.drivers.interface.writer_input import writer_input
from osiris_inspect.runtime.drivers.postgres import copy_reader, copy_writer
from osiris_inspect.runtime.drivers.postgres.connect import connect, test_connection
from osiris_inspect.runtime.drivers.postgres.copy_writer import WriteTarget
from osiris_inspect.runtime.drivers.postgres.errors import query_error

__all__ = ["PostgresExtractor", "PostgresWriter", "test_connection", "transaction"]


class PostgresExtractor:
    """Runs one query."""

    def run(self, *, step_id: str, config: Config, inputs: Inputs, ctx: DriverContext) -> Mapping[str, Any]:
        """Return the rows as a stream of Arrow batches, which has typed columns even without rows.

        Raises:
            DriverError: the server cannot be reached or reports an error. Later errors are raised by the stream.
        """
        del inputs
        with ExitStack() as stack, errors_name_step(step_id):
            stack.enter_context(_query_errors())
            session = stack.enter_context(transaction(config, config.get("query_timeout")))
            stack.enter_context(ctx.cancel.on_cancel(session.cancel))
            columns = copy_reader.describe(session, config["query"], config["numeric"])
            schema = pa.schema([pa.field(column.name, column.type) for column in columns])
            rows = copy_reader.batches(session, config["query"], columns, ctx)
            return {"df": pa.RecordBatchReader.from_batches(schema, closing_stream(rows, stack.pop_all()))}


class PostgresWriter:
    """Writes one frame."""

    def run(self, *, step_id: str, config: Config, inputs: Inputs, ctx: DriverContext) -> Mapping[str, Any]:
        """Write the input in one transaction.

        Raises:
            DriverError: the server cannot be reached or reports an error; the table is unchanged.
        """
        target = WriteTarget.from_config(config)
        with errors_name_step(step_id):
            frames = writer_input(config, inputs)
            rows = None
            try:
                with (
                    transaction(config, config.get("statement_timeout")) as session,
                    ctx.cancel.on_cancel(session.cancel),
                ):
                    rows = copy_writer.write(session, target, frames, ctx)
            except psycopg.Error as error:  # also at commit, where deferred constraints are checked
                raise copy_writer.write_error(
                    target, frames, error, is_committing=rows is not None
                ) from error
        ctx.metric("rows_written", rows)
        return {"rows_written": rows}


@contextmanager
def _query_errors() -> Iterator[None]:
    """Convert errors of the session, such as those of its commit, to a ``DriverError``."""
    try:
        yield
    except psycopg.Error as error:
        raise query_error(error) from error


@contextmanager
def transaction(config: Config, timeout: float | None) -> Iterator[psycopg.Connection[Any]]:
    """Yield a session in a transaction, which is committed at the end of the block; close it afterwards."""
    with (
        closing(connect(config["resolved_connection"], config["connect_timeout"])) as session,
        session.transaction(),
    ):
        if timeout is not None:
            # for the transaction: a pooler would pass a session setting on to another client
            session.execute(f"SET LOCAL statement_timeout = {int(timeout * 1000)}")
        yield session

"""PostgreSQL: a query's rows as a frame, and a frame into a table."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import psycopg
import pyarrow as pa

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface import writer_input as incoming
from osiris_inspect.runtime.drivers.interface.driver import DriverContext
from osiris_inspect.runtime.drivers.interface.streaming import closing_stream, errors_name_step
from osiris_inspect.runtime.drivers.postgres import connect as postgres_connect
from osiris_inspect.runtime.drivers.postgres import copy_reader as postgres_read
from osiris_inspect.runtime.drivers.postgres import copy_writer as postgres_write
from osiris_inspect.runtime.drivers.postgres.connect import test_connection
from osiris_inspect.runtime.drivers.postgres.copy_writer import WriteTarget
from osiris_inspect.runtime.frames.resolved_input import ResolvedInput

__all__ = ["PostgresExtractor", "PostgresWriter", "test_connection", "transaction", "write"]


class PostgresExtractor:
    """Runs one query."""

    def run(
        self,
        *,
        step_id: str,
        config: Mapping[str, Any],
        inputs: Mapping[str, ResolvedInput],
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """The rows as a stream of Arrow batches; no row still gives every column in its type.

        Raises:
            DriverError: the server cannot be reached, refuses or fails; says which connection and what to do. What
                fails later fails while the stream is read.
        """
        del inputs
        with ExitStack() as stack, errors_name_step(step_id):
            session = stack.enter_context(transaction(config, config.get("query_timeout")))
            stack.enter_context(ctx.cancel.on_cancel(session.cancel))
            columns = postgres_read.describe(session, config["query"], config["numeric"])
            schema = pa.schema([pa.field(column.name, column.type) for column in columns])
            rows = postgres_read.batches(session, config["query"], columns, ctx)
            return {"df": pa.RecordBatchReader.from_batches(schema, closing_stream(rows, stack.pop_all()))}


class PostgresWriter:
    """Writes one frame."""

    def run(
        self,
        *,
        step_id: str,
        config: Mapping[str, Any],
        inputs: Mapping[str, ResolvedInput],
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """Write the input, all of it or nothing.

        Raises:
            DriverError: the server cannot be reached, refuses or fails; the table is as it was.
        """
        return write(step_id, config, inputs, ctx)


def write(
    step_id: str, config: Mapping[str, Any], inputs: Mapping[str, ResolvedInput], ctx: DriverContext
) -> Mapping[str, Any]:
    """Write the input over a session of PostgreSQL."""
    frames = incoming.from_inputs(step_id, config, inputs)
    target = WriteTarget.from_config(config)
    with errors_name_step(step_id):
        try:
            with (
                transaction(config, config.get("statement_timeout")) as session,
                ctx.cancel.on_cancel(session.cancel),
            ):
                rows = postgres_write.write(session, target, frames, ctx)
        except psycopg.Error as error:  # also of the commit, where deferred constraints are checked
            raise DriverError(postgres_write.write_error(target, error)) from error
    ctx.metric("rows_written", rows)
    return {"rows_written": rows}


@contextmanager
def transaction(config: Mapping[str, Any], timeout: float | None) -> Iterator[psycopg.Connection[Any]]:
    """A session in a transaction of its own, committed at the end of the block, closed in any case."""
    with (
        closing(
            postgres_connect.connect(config["resolved_connection"], config["connect_timeout"])
        ) as session,
        session.transaction(),
    ):
        if timeout is not None:
            # of the transaction: a pooler would hand a setting of the session to somebody else
            session.execute(f"SET LOCAL statement_timeout = {int(timeout * 1000)}")
        yield session

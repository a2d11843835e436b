"""Supabase writer: over SQL if the connection has a database address, otherwise over REST."""

from collections.abc import Mapping
from contextlib import closing
from typing import Any

import psycopg

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.driver import Config, DriverContext, Inputs, errors_name_step
from osiris_inspect.runtime.drivers.interface.writer_input import WriterInput, writer_input
from osiris_inspect.runtime.drivers.postgres import connect as postgres_connect
from osiris_inspect.runtime.drivers.postgres import copy_writer
from osiris_inspect.runtime.drivers.postgres.copy_writer import WriteTarget
from osiris_inspect.runtime.drivers.postgres.driver import PostgresWriter, transaction
from osiris_inspect.runtime.drivers.postgres.errors import read_error
from osiris_inspect.runtime.drivers.supabase.rest_client import PostgrestClient, RetryPolicy
from osiris_inspect.runtime.drivers.supabase.rest_errors import (
    RequestRejected,
    ResponseLost,
    Unreachable,
    connection_error,
)
from osiris_inspect.runtime.drivers.supabase.rest_writer import RestWriter


class SupabaseWriter:
    """Writes one frame."""

    def run(self, *, step_id: str, config: Config, inputs: Inputs, ctx: DriverContext) -> Mapping[str, Any]:
        """Write the input; ``rows_written`` is the number of rows that the server counted.

        Raises:
            DriverError: not all rows were written; says how many were, and what to do.
        """
        with errors_name_step(step_id):
            is_sql = _uses_sql(config)
        if is_sql:
            return PostgresWriter().run(step_id=step_id, config=config, inputs=inputs, ctx=ctx)
        target = WriteTarget.from_config(config)
        with errors_name_step(step_id):
            frames = writer_input(config, inputs)
            creates_table = target.create_if_missing and _has_address(config["resolved_connection"])
            if creates_table:
                _create_table(config, target, frames)
            retries = RetryPolicy(config["retries"])
            client = PostgrestClient(config["resolved_connection"], target.schema, config["timeout"], retries)
            with closing(client):
                writer = RestWriter(client, target, ctx, config.get("batch_size"))
                if creates_table:
                    writer.wait_for_schema_cache(frames.batches(1)[0].names)
                rows = writer.run(frames)
        ctx.metric("rows_written", rows)
        return {"rows_written": rows}


def test_connection(connection: Config) -> str:
    """Connect and return a description of the server.

    Raises:
        DriverError: the connection failed.
    """
    if _has_address(connection):
        return postgres_connect.test_connection(connection)
    schema = str(connection.get("schema", "public"))
    with closing(PostgrestClient(connection, schema, 10, RetryPolicy(0))) as client:
        try:
            client.check_access()
        except (RequestRejected, ResponseLost, Unreachable) as error:
            raise connection_error(error, client.name) from error
        return f"REST at {client.name}"


def _uses_sql(config: Config) -> bool:
    channel, has_address = config["channel"], _has_address(config["resolved_connection"])
    if channel == "sql" and not has_address:
        raise DriverError(
            "channel is sql, but the connection has no pg_dsn",
            kind="config-value-missing",
            fix="set pg_dsn, or channel: rest",
            setting="pg_dsn",
        )
    return channel == "sql" or (channel == "auto" and has_address)


def _has_address(connection: Config) -> bool:
    return any(connection.get(key) for key in ("pg_dsn", "dsn", "sql_url"))


def _create_table(config: Config, target: WriteTarget, frames: WriterInput) -> None:
    try:
        with transaction(config, config.get("statement_timeout")) as session:
            copy_writer.create(session, target, frames)
    except psycopg.Error as error:
        server = read_error(error, "writing")
        raise DriverError(
            f"table {target.name} cannot be created: {server.text}; nothing was written",
            kind=server.kind,
            fix=server.fix,
            **{"table": target.name, **server.error_facts, "rows_written": 0},
        ) from error

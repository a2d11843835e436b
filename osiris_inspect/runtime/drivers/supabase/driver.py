"""Supabase: over SQL where the connection has an address of the database, otherwise over REST."""

from collections.abc import Mapping
from contextlib import closing
from typing import Any

import psycopg

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface import writer_input as incoming
from osiris_inspect.runtime.drivers.interface.driver import DriverContext
from osiris_inspect.runtime.drivers.interface.streaming import errors_name_step
from osiris_inspect.runtime.drivers.postgres import connect as postgres_connect
from osiris_inspect.runtime.drivers.postgres import copy_writer as postgres_write
from osiris_inspect.runtime.drivers.postgres import driver as postgres
from osiris_inspect.runtime.drivers.postgres.copy_writer import WriteTarget
from osiris_inspect.runtime.drivers.supabase.rest_client import (
    PostgrestClient,
    RequestRejected,
    RetryPolicy,
    Unreachable,
)
from osiris_inspect.runtime.drivers.supabase.rest_writer import RestWriter
from osiris_inspect.runtime.frames.resolved_input import ResolvedInput

_ADDRESSES = ("pg_dsn", "dsn", "sql_url")


class SupabaseWriter:
    """Writes one frame."""

    def run(
        self,
        *,
        step_id: str,
        config: Mapping[str, Any],
        inputs: Mapping[str, ResolvedInput],
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """Write the input; ``rows_written`` is what the server counted.

        Raises:
            DriverError: not all rows were written; says how many were, and what to do.
        """
        if _channel(step_id, config) == "sql":
            return postgres.write(step_id, config, inputs, ctx)
        frames = incoming.from_inputs(step_id, config, inputs)
        target = WriteTarget.from_config(config)
        with errors_name_step(step_id):
            made = (
                _make_table(config, target, frames)
                if target.create_if_missing and _has_address(config)
                else False
            )
            retries = RetryPolicy(config["retries"])
            connection = config["resolved_connection"]
            with closing(PostgrestClient(connection, target.schema, config["timeout"], retries)) as session:
                writing = RestWriter(session, target, ctx, config.get("batch_size"))
                if made:
                    writing.wait_for_schema_cache(frames.batches(1)[0].names)
                rows = writing.run(frames)
        ctx.metric("rows_written", rows)
        return {"rows_written": rows}


def test_connection(connection: Mapping[str, Any]) -> str:
    """What answers at the other end.

    Raises:
        DriverError: nothing does, or it refuses.
    """
    if any(connection.get(key) for key in _ADDRESSES):
        return postgres_connect.test_connection(connection)
    with closing(
        PostgrestClient(connection, str(connection.get("schema", "public")), 10, RetryPolicy(0))
    ) as session:
        try:
            session.check_access()
        except Unreachable as error:
            raise DriverError(f"Supabase connection failed: {error}") from error
        except RequestRejected as refused:
            raise DriverError(f"Supabase connection failed: {session.name}: {refused}") from refused
        return f"REST at {session.name}"


def _channel(step_id: str, config: Mapping[str, Any]) -> str:
    wanted = config["channel"]
    if wanted == "sql" and not _has_address(config):
        raise DriverError(f"step {step_id!r}: channel is sql, and the connection has no pg_dsn")
    if wanted != "auto":
        return str(wanted)
    return "sql" if _has_address(config) else "rest"


def _has_address(config: Mapping[str, Any]) -> bool:
    return any(config["resolved_connection"].get(key) for key in _ADDRESSES)


def _make_table(config: Mapping[str, Any], target: WriteTarget, frames: incoming.WriterInput) -> bool:
    try:
        with postgres.transaction(config, config.get("statement_timeout")) as session:
            postgres_write.create(session, target, frames)
    except psycopg.Error as error:
        raise DriverError(f"table {target.name} cannot be made: {postgres_connect.explain(error)}") from error
    return True

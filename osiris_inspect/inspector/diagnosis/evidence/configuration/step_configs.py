"""Steps selected by their configuration."""

from collections.abc import Iterator

from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model.run_layout import is_safe_name

_SQL_CHANNEL_KEYS = ("pg_dsn", "sql_url", "dsn", "sql_dsn")


def duckdb_queries(run: Run) -> Iterator[tuple[StepState, str]]:
    """Yield the DuckDB steps whose configuration file can be cited, with their query."""
    for step in run.steps:
        query = step.config.get("query")
        if step.driver == "duckdb.processor" and isinstance(query, str) and is_safe_name(step.id):
            yield step, query


def unlogged_supabase_writes(run: Run) -> Iterator[StepState]:
    """Yield successful Supabase writers without a SQL channel in sandboxes of the original.

    These sandboxes log no writes.
    """
    if run.mode not in ("e2b", "worker") or run.dialect == "native":
        return
    for step in run.steps:
        connection = step.config.get("resolved_connection")
        channel = isinstance(connection, dict) and any(connection.get(key) for key in _SQL_CHANNEL_KEYS)
        if step.driver == "supabase.writer" and step.status == "succeeded" and not channel:
            yield step

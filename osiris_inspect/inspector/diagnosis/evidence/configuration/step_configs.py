"""Steps selected by their configuration."""

import re
from collections.abc import Iterator

from osiris_inspect.inspector.run.run import InputState, Run, StepState
from osiris_inspect.model.manifest import input_name
from osiris_inspect.model.run_layout import is_safe_name

_SQL_CHANNEL_KEYS = ("pg_dsn", "sql_url", "dsn", "sql_dsn")


def duckdb_queries(run: Run) -> Iterator[tuple[StepState, str]]:
    """Yield the DuckDB steps whose configuration file can be cited, with their query."""
    for step in run.steps:
        query = step.config.get("query")
        if step.driver == "duckdb.processor" and isinstance(query, str) and is_safe_name(step.id):
            yield step, query


def inputs_not_in_query(run: Run) -> Iterator[tuple[StepState, list[InputState]]]:
    """Yield each DuckDB step with several inputs whose query does not name all of them, and these inputs."""
    for step, query in duckdb_queries(run):
        if len(step.inputs) < 2 or re.search(r"\b(?:input_df|df)\b", query, re.IGNORECASE):
            continue
        text = query.lower()
        words = set(re.findall(r"(?<![\w.])\w+", text))
        unused = [
            entry
            for entry in step.inputs
            if not any(
                name in words if re.fullmatch(r"\w+", name) else name in text for name in _table_names(entry)
            )
        ]
        if unused:
            yield step, unused


def _table_names(entry: InputState) -> set[str]:
    names = (entry.name, *((input_name(entry.from_step), entry.from_step) if entry.from_step else ()))
    return {name.lower() for name in names if name}


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

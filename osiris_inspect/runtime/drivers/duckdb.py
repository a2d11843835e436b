"""SQL over frames, by DuckDB in memory.

An input that lies on disk is read from there and never loaded whole. The SQL sees its inputs and no file or network,
unless the step says ``allow_external``.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import duckdb

from osiris_inspect.model.errors import DriverError
from osiris_inspect.model.manifest import input_name
from osiris_inspect.runtime.drivers import Context
from osiris_inspect.runtime.resolved import Resolved

_GIVES_ROWS = frozenset(
    {"SELECT", "MULTI", "EXPLAIN"}
)  # MULTI: a PIVOT, which DuckDB makes several statements of


class DuckdbProcessor:
    """Runs the statements of ``query``; the last one's result is the frame."""

    def run(
        self, *, step_id: str, config: Mapping[str, Any], inputs: Mapping[str, Resolved], ctx: Context
    ) -> Mapping[str, Any]:
        """The result as an Arrow table.

        Raises:
            DriverError: the SQL is wrong; carries DuckDB's own words and the tables there are.
        """
        with closing(duckdb.connect(":memory:")) as connection, ctx.stop.by(connection.interrupt):
            _limit(connection, config, inputs)
            tables = [name for handle in _by_name(inputs) for name in _offer(connection, *handle)]
            _lock(connection, config)
            try:
                return {"df": _run(connection, step_id, config["query"])}
            except duckdb.Error as error:
                raise DriverError(f"step {step_id!r}: {_explain(str(error), tables)}") from error


def _by_name(inputs: Mapping[str, Resolved]) -> Iterator[tuple[tuple[str, ...], Resolved]]:
    """Each input with the tables it is: its own name, ``df_<upstream>``, and for a sole one ``input_df`` and ``df``."""
    for name, resolved in inputs.items():
        names = [name, input_name(resolved.ref.from_step)]
        if len(inputs) == 1:
            names += ["input_df", "df"]
        yield tuple(dict.fromkeys(names)), resolved


def _offer(
    connection: duckdb.DuckDBPyConnection, names: tuple[str, ...], resolved: Resolved
) -> tuple[str, ...]:
    if resolved.parquet is not None:
        first, source = names[0], f"read_parquet({_text(str(resolved.parquet))})"
    else:
        first, source = names[0], '"\x01arrow_' + names[0].replace('"', '""') + '"'
        connection.register("\x01arrow_" + names[0], resolved.arrow())
    connection.execute(f"CREATE TEMP VIEW {_quoted(first)} AS SELECT * FROM {source}")  # noqa: S608  both are quoted
    for name in names[1:]:
        connection.execute(f"CREATE TEMP VIEW {_quoted(name)} AS SELECT * FROM {_quoted(first)}")  # noqa: S608  quoted
    return names


def _limit(
    connection: duckdb.DuckDBPyConnection, config: Mapping[str, Any], inputs: Mapping[str, Resolved]
) -> None:
    connection.execute(
        "SET python_enable_replacements = false"
    )  # SQL must not find the variables of this program
    if config.get("memory_limit"):
        connection.execute(f"SET memory_limit = {_text(config['memory_limit'])}")
    if config.get("threads"):
        connection.execute(f"SET threads = {int(config['threads'])}")
    if not config.get("allow_external"):
        spilled = ", ".join(
            _text(str(handle.parquet)) for handle in inputs.values() if handle.parquet is not None
        )
        connection.execute(f"SET allowed_paths = [{spilled}]")


def _lock(connection: duckdb.DuckDBPyConnection, config: Mapping[str, Any]) -> None:
    if not config.get("allow_external"):
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")


def _run(connection: duckdb.DuckDBPyConnection, step_id: str, query: str) -> Any:
    statements = connection.extract_statements(query)
    if not statements:
        raise DriverError(f"step {step_id!r}: query holds no statement")
    *first, last = statements
    for statement in first:
        connection.execute(statement).fetchall()
    relation = connection.sql(last)
    if relation is None or last.type.name not in _GIVES_ROWS:
        raise DriverError(f"step {step_id!r}: the last statement of query gives no rows; end with a SELECT")
    return relation.to_arrow_table()


def _explain(text: str, tables: list[str]) -> str:
    if text.startswith("Permission Error") and "disabled by configuration" in text:
        text += "; set allow_external: true if this SQL is to read or write files"
    there = ", ".join(tables) or "none"
    return f"DuckDB transformation failed: {text}" + (
        f"; tables here: {there}" if "Catalog Error" in text else ""
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"

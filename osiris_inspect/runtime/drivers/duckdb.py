"""SQL over frames, by DuckDB in memory.

An input that lies on disk is read from there and never loaded whole. The SQL sees its inputs and no file or network,
unless the step says ``allow_external``.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from typing import Any

import duckdb

from osiris_inspect.base.near_names import did_you_mean
from osiris_inspect.model.errors import DriverError
from osiris_inspect.model.manifest import input_name
from osiris_inspect.runtime.drivers.interface.driver import DriverContext
from osiris_inspect.runtime.frames.resolved_input import ResolvedInput

_GIVES_ROWS = frozenset(
    {"SELECT", "MULTI", "EXPLAIN"}
)  # MULTI: a PIVOT, which DuckDB makes several statements of


class DuckdbProcessor:
    """Runs the statements of ``query``; the last one's result is the frame."""

    def run(
        self,
        *,
        step_id: str,
        config: Mapping[str, Any],
        inputs: Mapping[str, ResolvedInput],
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """The result as an Arrow table.

        Raises:
            DriverError: the SQL is wrong; carries DuckDB's own words, the line, and the tables there are.
        """
        tables: list[str] = []
        with closing(duckdb.connect(":memory:")) as connection, ctx.cancel.on_cancel(connection.interrupt):
            try:
                _set_memory_limit(connection, config, inputs, ctx)
                for names, resolved in _tables_by_name(inputs).items():
                    tables += _register_inputs(connection, names, resolved)
                _disable_external_access(connection, config)
                table = _run(connection, step_id, config["query"])
            except duckdb.Error as error:
                raise DriverError(f"step {step_id!r}: {_explain(str(error), tables)}") from error
        ctx.progress(table.num_rows)
        return {"df": table}


def _tables_by_name(inputs: Mapping[str, ResolvedInput]) -> dict[tuple[str, ...], ResolvedInput]:
    """Each input with the tables it is: its own name, ``df_<upstream>``, and for a sole one ``input_df`` and ``df``.

    Its own name comes first: a name that two inputs would have beside their own is left to neither.
    """
    taken = {name.lower() for name in inputs}
    beside = Counter(input_name(resolved.input_ref.from_step).lower() for resolved in inputs.values())
    by_name = {}
    for name, resolved in inputs.items():
        more = (
            [input_name(resolved.input_ref.from_step)]
            if beside[input_name(resolved.input_ref.from_step).lower()] == 1
            else []
        )
        more += ["input_df", "df"] if len(inputs) == 1 else []
        by_name[(name, *(other for other in more if other.lower() not in taken))] = resolved
    return by_name


def _register_inputs(
    connection: duckdb.DuckDBPyConnection, names: tuple[str, ...], resolved: ResolvedInput
) -> tuple[str, ...]:
    if resolved.parquet_path is not None:
        # else a folder called `day=3` above the file would be a column
        first, source = (
            names[0],
            f"read_parquet({_text(str(resolved.parquet_path))}, hive_partitioning = false)",
        )
    else:
        first, source = names[0], '"\x01arrow_' + names[0].replace('"', '""') + '"'
        connection.register("\x01arrow_" + names[0], resolved.to_arrow())
    connection.execute(f"CREATE TEMP VIEW {_quoted(first)} AS SELECT * FROM {source}")  # noqa: S608  both are quoted
    for name in names[1:]:
        connection.execute(f"CREATE TEMP VIEW {_quoted(name)} AS SELECT * FROM {_quoted(first)}")  # noqa: S608  quoted
    return names


def _set_memory_limit(
    connection: duckdb.DuckDBPyConnection,
    config: Mapping[str, Any],
    inputs: Mapping[str, ResolvedInput],
    ctx: DriverContext,
) -> None:
    connection.execute(
        "SET python_enable_replacements = false"
    )  # SQL must not find the variables of this program
    # what does not fit in memory goes here, and is gone when the connection closes
    connection.execute(f"SET temp_directory = {_text(str(ctx.artifacts / '.duckdb'))}")
    if config.get("memory_limit"):
        connection.execute(f"SET memory_limit = {_text(config['memory_limit'])}")
    if config.get("threads"):
        connection.execute(f"SET threads = {int(config['threads'])}")
    if not config.get("allow_external"):
        spilled = ", ".join(
            _text(str(handle.parquet_path)) for handle in inputs.values() if handle.parquet_path is not None
        )
        connection.execute(f"SET allowed_paths = [{spilled}]")


def _disable_external_access(connection: duckdb.DuckDBPyConnection, config: Mapping[str, Any]) -> None:
    if not config.get("allow_external"):
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")


def _run(connection: duckdb.DuckDBPyConnection, step_id: str, query: str) -> Any:
    statements = connection.extract_statements(query)
    if not statements:
        raise DriverError(f"step {step_id!r}: query holds no statement")
    *first, last = statements
    if last.type.name not in _GIVES_ROWS:
        raise DriverError(f"step {step_id!r}: the last statement of query gives no rows; end with a SELECT")
    place = 0
    for statement in first:
        place = query.find(statement.query, place)
        _with_query_line(query, place, partial(_do, connection, statement))
        place += len(statement.query)
    return _with_query_line(query, query.find(last.query, place), partial(_frame_of, connection, last))


def _do(connection: duckdb.DuckDBPyConnection, statement: Any) -> None:
    connection.execute(statement).fetchall()


def _frame_of(connection: duckdb.DuckDBPyConnection, statement: Any) -> Any:
    try:
        return connection.sql(statement).to_arrow_table()
    except (duckdb.BinderException, duckdb.CatalogException):
        # a relation fails without saying where; planning the same text says it
        connection.execute("EXPLAIN " + statement.query)
        raise


def _with_query_line(query: str, place: int, do: Callable[[], Any]) -> Any:
    """Do it; DuckDB counts the lines of one statement, so an error gets the line of the whole query."""
    try:
        return do()
    except duckdb.Error as error:
        before = query[:place].count("\n") if place > 0 else 0
        text = re.sub(
            r"^LINE (\d+):", lambda match: f"LINE {int(match[1]) + before}:", str(error), flags=re.M
        )
        raise type(error)(text) from error


def _explain(text: str, tables: list[str]) -> str:
    line = re.search(r"^LINE (\d+):", text, re.MULTILINE)
    message = re.sub(r"\n{2,}", "\n", text.strip())
    if line is not None:
        message = f"in line {line[1]} of its query, {message}"
    if text.startswith("Permission Error") and "disabled by configuration" in text:
        message += "; set allow_external: true if this SQL is to read or write files"
    if text.startswith("Catalog Error"):
        near = _nearest(text, tables)
        message += f"; tables here: {', '.join(tables) or 'none'}{near}"
    if text.startswith("Out of Memory Error"):
        message += "; raise memory_limit, or read less in one statement"
    return f"DuckDB transformation failed: {message}"


def _nearest(text: str, tables: list[str]) -> str:
    missing = re.search(r"Table with name (\S+) does not exist", text)
    return did_you_mean(missing[1], tuple(tables)) if missing else ""


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"

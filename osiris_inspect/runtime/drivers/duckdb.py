"""DuckDB processor: runs SQL over the inputs in memory.

A spilled input is read from its file and never loaded whole. The SQL can read its inputs but no files and no network
unless the step sets ``allow_external``.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from osiris_inspect.model.errors import DriverError
from osiris_inspect.model.manifest import input_name
from osiris_inspect.runtime.drivers.duckdb_errors import query_error
from osiris_inspect.runtime.drivers.duckdb_result import result_table
from osiris_inspect.runtime.drivers.interface.driver import Config, DriverContext, Inputs, errors_name_step
from osiris_inspect.runtime.drivers.query_checks.check import check_query
from osiris_inspect.runtime.drivers.query_checks.results import ResultColumns
from osiris_inspect.runtime.drivers.query_checks.tables import Database
from osiris_inspect.runtime.frames.resolved_input import ResolvedInput

_STATEMENTS_WITH_ROWS = frozenset({"SELECT", "MULTI", "EXPLAIN"})
"""DuckDB's types of statements that return rows. MULTI is a PIVOT, which consists of several statements."""

_SAMPLE_ROWS = 256
T = TypeVar("T")


class DuckdbProcessor:
    """Runs the statements of ``query``; the result of the last one is the frame."""

    def run(self, *, step_id: str, config: Config, inputs: Inputs, ctx: DriverContext) -> Mapping[str, Any]:
        """Return the result as an Arrow table.

        Raises:
            DriverError: the SQL is invalid or fails; has DuckDB's message, the line and the tables.
        """
        tables: dict[str, ResolvedInput] = {}
        frames: dict[str, pa.Table | None] = {}
        with (
            errors_name_step(step_id),
            closing(duckdb.connect(":memory:")) as connection,
            ctx.cancel.on_cancel(connection.interrupt),
        ):
            try:
                _set_options(connection, config, inputs, ctx)
                if config.get("index") == "drop":
                    inputs = {name: resolved.without_index() for name, resolved in inputs.items()}
                for names, resolved in _tables_by_name(inputs).items():
                    frames[names[0]] = _create_views(connection, names, resolved)
                    tables |= dict.fromkeys(names, resolved)
                if not config.get("allow_external"):
                    connection.execute("SET enable_external_access = false")
                    connection.execute("SET lock_configuration = true")
                table = _run(connection, config["query"])
                _describe_query(connection, config["query"], tables, frames, table, ctx)
            except duckdb.Error as error:
                raise query_error(error, tables, config, ctx.other_steps) from error
        ctx.progress(table.num_rows)
        return {"df": table}


def _describe_query(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    tables: Mapping[str, ResolvedInput],
    frames: Mapping[str, pa.Table | None],
    table: pa.Table,
    ctx: DriverContext,
) -> None:
    """Record the counts of the query's join, and what its tree and the rows of its inputs show to be a mistake."""
    by_name = {name.lower(): resolved for name, resolved in tables.items()}
    by_input = {id(tables[name]): frame for name, frame in frames.items()}
    in_memory = {name: by_input[id(resolved)] for name, resolved in by_name.items()}

    def read_columns(name: str, columns: Sequence[str]) -> pa.Table:
        frame = in_memory[name]
        if frame is None:
            selected = ", ".join(map(_identifier, columns))
            return connection.sql(f"SELECT {selected} FROM {_identifier(name)}").to_arrow_table()  # noqa: S608  quoted
        numbers = {column.lower(): number for number, column in enumerate(frame.schema.names)}
        return pa.table(
            [frame.column(numbers[column]) for column in columns], list(map(str, range(len(columns))))
        )

    def execute(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        return connection.execute(statement, list(parameters)).fetchall()

    def describe(statement: str) -> list[tuple[str, str]]:
        columns = connection.execute(f"SELECT * FROM ({statement}) LIMIT 0").description or ()  # noqa: S608  rendered
        return [(str(name), str(kind)) for name, kind, *_ in columns]

    def only_value(column: str) -> Any:
        if table.schema.names.count(column) != 1:
            return None
        values = table.column(column)
        if len(values.slice(0, _SAMPLE_ROWS).unique()) != 1 or len(values.unique()) != 1:
            return None
        return values[0].as_py()

    database = Database(
        execute,
        describe,
        lambda statement: connection.sql(statement).to_arrow_table(),
        read_columns,
        {name: _column_types(frame.schema) for name, frame in in_memory.items() if frame is not None},
        {name: resolved.rows for name, resolved in by_name.items()},
        _attempt,
    )
    last = connection.extract_statements(query)[-1].query
    try:
        facts = check_query(database, last, ResultColumns(table.num_rows, only_value))
    except duckdb.InterruptException:
        raise
    except (
        duckdb.Error,
        pa.ArrowException,
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        # a tree that the checks do not know; the query has succeeded, and the log says what was not checked
        ctx.describe_query([{"check": "not-checked", "reason": f"{type(error).__name__}: {error}"}])
        return
    if facts.join is not None:
        ctx.describe_join(facts.join)
    if facts.checks:
        ctx.describe_query(facts.checks)


def _attempt(values: Iterable[T]) -> list[T]:
    """Return what a check yields; nothing if it cannot be carried out."""
    try:
        return list(values)
    except duckdb.InterruptException:
        raise
    except (duckdb.Error, pa.ArrowException, KeyError):  # the query succeeded; a part of it may not run alone
        return []


def _column_types(schema: pa.Schema) -> dict[str, str]:
    return {field.name.lower(): _type_name(field.type) for field in schema}


def _type_name(kind: pa.DataType) -> str:
    """Return DuckDB's name of a type, as far as the checks tell types apart."""
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind):
        return "VARCHAR"
    return "TIMESTAMP" if pa.types.is_timestamp(kind) else str(kind)


def _tables_by_name(inputs: Inputs) -> dict[tuple[str, ...], ResolvedInput]:
    """Return each input with its table names: its own, ``df_<upstream>``, and for a single input ``input_df`` and ``df``.

    An input's own name has priority. An alias that two inputs would share is not used.
    """
    own_names = {name.lower() for name in inputs}
    upstream = {name: input_name(resolved.input_ref.from_step) for name, resolved in inputs.items()}
    uses = Counter(alias.lower() for alias in upstream.values())
    tables = {}
    for name, resolved in inputs.items():
        aliases = [upstream[name]] if uses[upstream[name].lower()] == 1 else []
        aliases += ["input_df", "df"] if len(inputs) == 1 else []
        tables[(name, *(alias for alias in aliases if alias.lower() not in own_names))] = resolved
    return tables


def _create_views(
    connection: duckdb.DuckDBPyConnection, names: tuple[str, ...], resolved: ResolvedInput
) -> pa.Table | None:
    """Create the views of an input; return its table if it is in memory."""
    name, frame = names[0], None
    if resolved.parquet_path is not None:
        # with Hive partitioning, a folder such as `day=3` above the file would become a column
        source = f"read_parquet({_text(str(resolved.parquet_path))}, hive_partitioning = false)"
    else:
        source = _identifier("\x01arrow_" + name)
        frame = resolved.stored_batches().read_all()
        connection.register("\x01arrow_" + name, frame)
    columns = resolved.sql_columns
    connection.execute(f"CREATE TEMP VIEW {_identifier(name)} AS SELECT {columns} FROM {source}")  # noqa: S608  all are quoted
    for alias in names[1:]:
        connection.execute(f"CREATE TEMP VIEW {_identifier(alias)} AS SELECT * FROM {_identifier(name)}")  # noqa: S608  both are quoted
    return frame


def _set_options(
    connection: duckdb.DuckDBPyConnection, config: Config, inputs: Inputs, ctx: DriverContext
) -> None:
    # SQL must not read the variables of this program
    connection.execute("SET python_enable_replacements = false")
    # data that does not fit in memory; removed when the connection is closed
    connection.execute(f"SET temp_directory = {_text(str(ctx.artifacts / '.duckdb'))}")
    if config.get("memory_limit"):
        _set_memory_limit(connection, str(config["memory_limit"]))
    if config.get("threads"):
        connection.execute(f"SET threads = {int(config['threads'])}")
    if not config.get("allow_external"):
        paths = [resolved.parquet_path for resolved in inputs.values() if resolved.parquet_path is not None]
        connection.execute(f"SET allowed_paths = [{', '.join(_text(str(path)) for path in paths)}]")


def _set_memory_limit(connection: duckdb.DuckDBPyConnection, limit: str) -> None:
    try:
        connection.execute(f"SET memory_limit = {_text(limit)}")
    except duckdb.Error as error:
        raise DriverError(
            f"DuckDB transformation failed: memory_limit is {limit!r}: {str(error).splitlines()[0]}",
            kind="config-value-invalid",
            fix="write a number with a unit, such as 2GB",
            setting="memory_limit",
            value=limit,
        ) from error


def _run(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    statements = connection.extract_statements(query)
    if not statements:
        raise DriverError(
            "query has no statement",
            kind="config-value-missing",
            fix="write a SELECT in query",
            setting="query",
        )
    *first, last = statements
    if last.type.name not in _STATEMENTS_WITH_ROWS:
        raise DriverError(
            "the last statement of query returns no rows",
            kind="query-result-unusable",
            fix="end with a SELECT",
            setting="query",
        )
    position = 0
    for statement in first:
        position = query.find(statement.query, position)
        with shifted_lines(_lines_before(query, position)):
            connection.execute(statement).fetchall()
        position += len(statement.query)
    with shifted_lines(_lines_before(query, query.find(last.query, position))):
        try:
            return result_table(connection.sql(last))
        except (duckdb.BinderException, duckdb.CatalogException):
            # a relation's error has no line; planning the text raises one that has
            with shifted_lines(-1):
                connection.execute("EXPLAIN\n" + last.query)
            raise


def _lines_before(query: str, position: int) -> int:
    return query[:position].count("\n") if position > 0 else 0


@contextmanager
def shifted_lines(shift: int) -> Iterator[None]:
    """Add ``shift`` to the line number in an error, which counts within one statement."""
    try:
        yield
    except duckdb.Error as error:
        text = re.sub(r"^LINE (\d+):", lambda match: f"LINE {int(match[1]) + shift}:", str(error), flags=re.M)
        raise type(error)(text) from error


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"

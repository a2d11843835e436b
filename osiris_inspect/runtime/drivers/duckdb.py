"""DuckDB processor: runs SQL over the inputs in memory.

A spilled input is read from its file and never loaded whole. The SQL can read its inputs but no files and no network
unless the step sets ``allow_external``.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain
from typing import Any, TypeVar

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from osiris_inspect.base.sql_limits import exceeded_limit
from osiris_inspect.base.sql_literals import quote_name, quote_text
from osiris_inspect.model.errors import DriverError
from osiris_inspect.model.manifest import input_name
from osiris_inspect.runtime.drivers.duckdb_options import (
    open_database,
    restrict_files,
    search_files_in,
    set_limits,
)
from osiris_inspect.runtime.drivers.duckdb_result import ConstantColumns, only_value, result_batches
from osiris_inspect.runtime.drivers.interface.database import closing_stream
from osiris_inspect.runtime.drivers.interface.driver import Config, DriverContext, Inputs, errors_name_step
from osiris_inspect.runtime.drivers.query_checks.check import check_query
from osiris_inspect.runtime.drivers.query_checks.results import ResultColumns
from osiris_inspect.runtime.drivers.query_checks.tables import Database
from osiris_inspect.runtime.files.memory_limit import memory_error, stream_threshold
from osiris_inspect.runtime.frames.conversion.arrow_types import BYTES_PER_SLICE, ROWS_PER_SLICE
from osiris_inspect.runtime.frames.resolved_input import ResolvedInput

_STATEMENTS_WITH_ROWS = frozenset({"SELECT", "MULTI", "EXPLAIN"})
"""DuckDB's types of statements that return rows. MULTI is a PIVOT, which consists of several statements."""

_ROWS_WITHOUT_INPUT = 8192
_MIN_ROWS = 16
_NOT_CHECKED = (
    *(duckdb.Error, pa.ArrowException, MemoryError),
    *(ArithmeticError, AttributeError, LookupError, TypeError, ValueError),
)
T = TypeVar("T")


class DuckdbProcessor:
    """Runs the statements of ``query``; the result of the last one is the frame."""

    def run(self, *, step_id: str, config: Config, inputs: Inputs, ctx: DriverContext) -> Mapping[str, Any]:
        """Return the result as an Arrow table, or as a stream if it is large.

        Raises:
            DriverError: the SQL is invalid or fails; has DuckDB's message, the line and the tables.
        """
        if config.get("index") == "drop":
            inputs = {name: resolved.without_index() for name, resolved in inputs.items()}
        with errors_name_step(step_id), ExitStack() as stack:
            connection = stack.enter_context(open_database(ctx.artifacts / ".duckdb"))
            stack.enter_context(ctx.cancel.on_cancel(connection.interrupt))
            query = _Query(connection, config, ctx)
            with query.driver_errors():
                query.create_views(inputs)
                reader = _run(connection, config["query"], query.batch_rows())
                batches, is_complete = _read_at_most(reader, stream_threshold(ctx.memory))
                if is_complete:
                    table = pa.Table.from_batches(batches, schema=reader.schema)
                    query.describe(ResultColumns(table.num_rows, lambda name: only_value(table, name)))
                    ctx.progress(table.num_rows)
                    return {"df": table}
            rows = closing_stream(query.stream(batches, reader), stack.pop_all())
            return {"df": pa.RecordBatchReader.from_batches(reader.schema, rows)}


class _Query:
    """The query of a step, its tables, and the frames that are in memory."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, config: Config, ctx: DriverContext) -> None:
        self._connection, self._config, self._ctx = connection, config, ctx
        self._tables: dict[str, ResolvedInput] = {}
        self._frames: dict[str, pa.Table | None] = {}
        self._memory_bytes: int | None = None

    @contextmanager
    def driver_errors(self) -> Iterator[None]:
        """Convert errors of DuckDB and of its memory to a ``DriverError``."""
        memory = self._ctx.memory
        try:
            yield
        except duckdb.Error as error:
            # takes longer to import than a small query to run
            from osiris_inspect.runtime.drivers.duckdb_errors import MemoryUse, query_error

            usage = MemoryUse(memory, self._memory_bytes)
            raise query_error(error, self._tables, self._config, self._ctx.other_steps, usage) from error
        except MemoryError as error:
            raise memory_error("the query", error, memory) from error

    def create_views(self, inputs: Inputs) -> None:
        """Create the tables that SQL can use, and limit what it can read and use."""
        for names, resolved in _tables_by_name(inputs).items():
            self._frames[names[0]] = _create_views(self._connection, names, resolved)
            self._tables |= dict.fromkeys(names, resolved)
        self._memory_bytes = set_limits(self._connection, self._config, self._ctx.memory)
        if self._config.get("allow_external"):
            search_files_in(self._connection, self._ctx.base, self._config["query"])
        else:
            paths = [resolved.parquet_path for resolved in inputs.values()]
            restrict_files(self._connection, [path for path in paths if path is not None])

    def batch_rows(self) -> int:
        """Return how many rows of the result are handed over at a time, by the width of the rows of the inputs."""
        widths = [_row_bytes(self._tables[name], frame) for name, frame in self._frames.items()]
        if not widths:
            return _ROWS_WITHOUT_INPUT
        return max(_MIN_ROWS, min(ROWS_PER_SLICE, BYTES_PER_SLICE // max(1, sum(widths))))

    def stream(self, batches: list[pa.RecordBatch], reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        """Yield the batches, which are released, and those still to come; then check the query."""
        rows, constants = 0, ConstantColumns(reader.schema.names)
        with self.driver_errors():
            for batch in chain(_released(batches), reader):
                constants.update(batch)
                rows += batch.num_rows
                self._ctx.progress(rows)
                yield batch
                del batch
            self.describe(ResultColumns(rows, constants.only_value))

    def describe(self, result: ResultColumns) -> None:
        """Record the counts of the query's join, and what its tree and the rows of its inputs show to be a mistake."""
        _describe_query(
            self._connection, self._config["query"], self._tables, self._frames, result, self._ctx
        )


def _read_at_most(reader: pa.RecordBatchReader, size: int) -> tuple[list[pa.RecordBatch], bool]:
    """Read batches until they have more than ``size`` bytes; return them, and True if they are all."""
    batches: list[pa.RecordBatch] = []
    for batch in reader:
        batches.append(batch)
        size -= batch.nbytes
        if size < 0:
            return batches, False
    return batches, True


def _released(batches: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    while batches:
        yield batches.pop(0)


def _row_bytes(resolved: ResolvedInput, frame: pa.Table | None) -> int:
    """Return about how many bytes a row of an input has."""
    if frame is not None:
        return int(frame.nbytes) // max(1, int(frame.num_rows))
    metadata = pq.read_metadata(resolved.parquet_path)
    if not metadata.num_row_groups:
        return 0
    group = metadata.row_group(0)
    return int(group.total_byte_size) // max(1, int(group.num_rows))


def _describe_query(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    tables: Mapping[str, ResolvedInput],
    frames: Mapping[str, pa.Table | None],
    result: ResultColumns,
    ctx: DriverContext,
) -> None:
    by_name = {name.lower(): resolved for name, resolved in tables.items()}
    by_input = {id(tables[name]): frame for name, frame in frames.items()}
    in_memory = {name: by_input[id(resolved)] for name, resolved in by_name.items()}

    def read_columns(name: str, columns: Sequence[str]) -> pa.Table:
        frame = in_memory[name]
        if frame is None:
            selected = ", ".join(map(quote_name, columns))
            return connection.sql(f"SELECT {selected} FROM {quote_name(name)}").to_arrow_table()  # noqa: S608  quoted
        numbers = {column.lower(): number for number, column in enumerate(frame.schema.names)}
        return pa.table(
            [frame.column(numbers[column]) for column in columns], list(map(str, range(len(columns))))
        )

    def execute(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        return connection.execute(statement, list(parameters)).fetchall()

    def describe(statement: str) -> list[tuple[str, str]]:
        columns = connection.execute(f"SELECT * FROM ({statement}) LIMIT 0").description or ()  # noqa: S608  rendered
        return [(str(name), str(kind)) for name, kind, *_ in columns]

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
        facts = check_query(database, last, result)
    except duckdb.InterruptException:
        raise
    except _NOT_CHECKED as error:
        # a tree that the checks do not know, or too little memory; the query has succeeded, and the log says what
        # was not checked
        ctx.describe_query([{"check": "not-checked", "reason": f"{type(error).__name__}: {error}"}])
        return
    if facts.join is not None:
        ctx.describe_join(facts.join)
    if facts.checks:
        ctx.describe_query(facts.checks)
    if facts.filters:
        ctx.describe_filters(facts.filters)


def _attempt(values: Iterable[T]) -> list[T]:
    """Return what a check yields; nothing if it cannot be carried out."""
    try:
        return list(values)
    except (duckdb.InterruptException, duckdb.OutOfMemoryException, MemoryError):
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
        source = f"read_parquet({quote_text(str(resolved.parquet_path))}, hive_partitioning = false)"
    else:
        source = quote_name("\x01arrow_" + name)
        frame = resolved.stored_batches().read_all()
        connection.register("\x01arrow_" + name, frame)
    columns = resolved.sql_columns
    connection.execute(f"CREATE TEMP VIEW {quote_name(name)} AS SELECT {columns} FROM {source}")  # noqa: S608  all are quoted
    for alias in names[1:]:
        connection.execute(f"CREATE TEMP VIEW {quote_name(alias)} AS SELECT * FROM {quote_name(name)}")  # noqa: S608  both are quoted
    return frame


def _run(connection: duckdb.DuckDBPyConnection, query: str, rows: int) -> pa.RecordBatchReader:
    limit = exceeded_limit(query, duckdb)
    if limit is not None and not limit.may_run:
        line, fault = query.count("\n", 0, limit.offset) + 1, limit.message.partition("; ")
        raise DriverError(
            f"query cannot be parsed: in line {line} {fault[0]}", kind="sql-syntax", fix=fault[2], line=line
        )
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
    shift = _lines_before(query, query.find(last.query, position))
    with shifted_lines(shift):
        try:
            reader = result_batches(connection.sql(last), rows)
        except (duckdb.BinderException, duckdb.CatalogException):
            # a relation's error has no line; planning the text raises one that has
            with shifted_lines(-1):
                connection.execute("EXPLAIN\n" + last.query)
            raise
    return pa.RecordBatchReader.from_batches(reader.schema, _with_shifted_lines(reader, shift))


def _with_shifted_lines(reader: pa.RecordBatchReader, shift: int) -> Iterator[pa.RecordBatch]:
    with shifted_lines(shift):
        yield from reader


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

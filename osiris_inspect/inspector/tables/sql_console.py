"""A run as tables in DuckDB, for questions nobody has thought of yet.

The one room that loads DuckDB, and only when a run is asked. Frames are read where they lie; nothing else outside of the
tables can be reached, and nothing is written. The logs become tables when a query names them, since they may be long.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TextIO

from osiris_inspect.inspector.files import remote_registry as mirrors
from osiris_inspect.inspector.run.frame_info import Cell, FrameColumn, FrameInfo
from osiris_inspect.inspector.tables import table_rows as run_rows
from osiris_inspect.inspector.tables import table_schema as run_tables
from osiris_inspect.inspector.tables.sql_types import SqlError, SqlResult, SqlTable
from osiris_inspect.inspector.tables.table_rows import COLUMNS
from osiris_inspect.inspector.text.sanitize import masked_text, one_line, shorten
from osiris_inspect.model import redaction as redact
from osiris_inspect.model import run_layout as layout

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

    from osiris_inspect.inspector.run.report import Report

MAX_ROWS = 1_000_000
"""Rows of an answer that are kept."""

MAX_BYTES = 64 << 20
"""Bytes of an answer that are kept, about."""

Row = Sequence[Any]
_AT_ONCE: Final = 10_000
_CELL: Final = 2_000
_CARET = re.compile(r"^LINE (\d+): (.*)\n( *)\^", re.MULTILINE)
_EXPLAIN: Final = "EXPLAIN "
_LOGS: Final = ("events", "metrics")


class SqlConsole:
    """The tables of one run. Not for two threads at once, but for ``stop``, which is for another one."""

    def __init__(self, report: "Report") -> None:
        import duckdb

        self._report = report
        self._is_stopped = False
        self._progress = ""
        self._connection: DuckDBPyConnection = duckdb.connect()
        self._empty = run_tables.create_tables(self._connection, report, self._on_progress) & set(_LOGS)
        self._insert("steps", run_rows.table_rows(report, "steps"))
        self._insert("findings", run_rows.table_rows(report, "findings"))
        self._frames = self._create_frame_views()
        self._connection.execute("SET TimeZone = 'UTC'")
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")

    def tables(self) -> list[SqlTable]:
        """What can be asked."""
        told = [SqlTable(name, tuple(columns.items())) for name, columns in COLUMNS.items()]
        return [*told, *self._frames]

    def run_query(self, query: str) -> SqlResult | SqlError:
        """The answer to one SELECT, or why there is none."""
        import duckdb

        self._is_stopped = False
        try:
            complaint = self._check_read_only(query)
            if complaint is not None:
                return complaint
            for name in sorted(self._empty):
                if name in query.lower() and not self._load_table(name):
                    return SqlError("stopped")
            return _SqlResult(self._connection.sql(query), lambda: self._is_stopped)
        except duckdb.InterruptException:
            return SqlError("stopped")
        except (
            duckdb.Error,
            OSError,
            ValueError,
        ) as error:  # the last two are Arrow's, of rows made while they are read
            if self._is_stopped:  # while the lines of a long log were made into rows
                return SqlError("stopped")
            return (
                _refusal(error, query)
                if _CARET.search(str(error))
                else self._with_error_position(error, query)
            )
        finally:
            self._progress = ""

    def progress(self) -> str:
        """How much of a log was made into rows, while that is done."""
        return self._progress

    def cancel(self) -> None:
        """End what is being asked."""
        self._is_stopped = True
        self._connection.interrupt()

    def close(self) -> None:
        """Let go of the tables."""
        self._connection.close()

    def _check_read_only(self, query: str) -> SqlError | None:
        """What is wrong with a query that is not one question; anything that would change something is refused."""
        from duckdb import StatementType

        statements = self._connection.extract_statements(query)
        asking = (StatementType.SELECT, StatementType.EXPLAIN)
        if len(statements) == 1 and statements[0].type in asking:
            return None
        return SqlError("one SELECT is taken, and nothing that writes")

    def _with_error_position(self, error: Exception, query: str) -> SqlError:
        """The refusal with the place it is about: a relation does not tell it, an explanation does."""
        import duckdb

        try:
            self._connection.execute(_EXPLAIN + query)
        except duckdb.Error as explained:
            found = _refusal(explained, _EXPLAIN + query)
            if found.position is not None and found.position >= len(_EXPLAIN):
                return SqlError(found.text, found.position - len(_EXPLAIN))
        return _refusal(error, query)

    def _load_table(self, name: str) -> bool:
        """Read a log into its table; whether that came to an end. A table that was left half full is emptied."""
        try:
            self._insert(name, run_rows.table_rows(self._report, name))
        finally:
            if self._is_stopped:
                self._connection.execute(f'DELETE FROM "{name}"')  # noqa: S608  one of our names
        if not self._is_stopped:
            self._empty.discard(name)
        return not self._is_stopped

    def _on_progress(self, line: int, lines: int) -> bool:
        self._progress = f"{line:,} of {lines:,} lines of events read, {100 * line // max(lines, 1)} %"
        return not self._is_stopped

    def _insert(self, name: str, rows: Iterable[Row]) -> None:
        count = 0
        for told in run_rows.to_arrow_batches(name, rows):
            if self._is_stopped:
                break
            self._connection.register("told", told)
            self._connection.execute(f'INSERT INTO "{name}" SELECT * FROM told')  # noqa: S608  one of our names
            self._connection.unregister("told")
            count += told.num_rows
            self._progress = f"{count:,} lines of {name} read"

    def _create_frame_views(self) -> list[SqlTable]:
        """A view on every frame that is here and whole; the others stand among the artifacts of their steps."""
        import duckdb

        shown: list[SqlTable] = []
        paths = []
        for step, file in _frames(self._report):
            name = f"frame_{step}" if step.lower() in COLUMNS else step
            quoted = name.replace('"', '""')
            try:
                rows = self._connection.read_parquet(file, hive_partitioning=False)
                rows.create_view(name)
                told = self._connection.sql(f'FROM "{quoted}"')
            except duckdb.Error:
                shown.append(SqlTable(name, (("cannot be read", ""),), is_frame=True))
                continue
            paths.append(file)
            columns = zip(told.columns, map(str, told.types), strict=True)
            shown.append(SqlTable(name, tuple(columns), is_frame=True))
        self._connection.execute(f"SET allowed_paths = [{', '.join(map(_literal, paths))}]")
        return shown


class _SqlResult:
    """The rows of an answer, kept as Arrow. A frame as the screens know it."""

    def __init__(self, relation: "DuckDBPyRelation | None", is_stopped: Callable[[], bool]) -> None:
        import pyarrow as pa

        reader = relation.to_arrow_reader(_AT_ONCE) if relation is not None else None
        batches, rows, size, self.is_complete = [], 0, 0, True
        for batch in reader if reader is not None else ():
            if rows >= MAX_ROWS or size >= MAX_BYTES or is_stopped():
                self.is_complete = False
                break
            batches.append(batch)
            rows, size = rows + batch.num_rows, size + batch.nbytes
        schema = reader.schema if reader is not None else pa.schema([])
        self._table: pa.Table = pa.Table.from_batches(batches, schema)
        kinds = map(str, relation.types) if relation is not None else ()
        columns = tuple(FrameColumn(name, kind) for name, kind in zip(schema.names, kinds, strict=False))
        self.info = FrameInfo(Path("answer"), rows, size, len(batches), columns)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def read_page(
        self, begin: int, count: int, columns: Sequence[str] | None = None
    ) -> list[tuple[Cell, ...]]:
        """``count`` rows from ``begin`` (counted from 0), fewer at the end, their cells as text."""
        part = self._table.slice(begin, count)
        part = part if columns is None else part.select(list(columns))
        return list(zip(*(_texts(column) for column in part.columns), strict=True))

    def to_arrow(self) -> "pa.Table":
        """Return the rows with the types of the query, secrets masked."""
        import pyarrow as pa

        columns = [
            _masked_column(name, column)
            for name, column in zip(self._table.column_names, self._table.columns, strict=True)
        ]
        return pa.table(columns, names=self._table.column_names)

    def csv(self, out: TextIO) -> None:
        """Write the rows as CSV, secrets masked."""
        names = self._table.column_names
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(names)
        for begin in range(0, self.info.rows, _AT_ONCE):
            for row in self.read_page(begin, _AT_ONCE):
                writer.writerow([_masked(name, cell) for name, cell in zip(names, row, strict=True)])


def _masked(name: str, cell: Cell) -> str:
    if cell is None:
        return ""
    return redact.MASK if cell and redact.is_secret_key(name) else masked_text(cell)


def _masked_column(name: str, column: "pa.ChunkedArray") -> "pa.ChunkedArray":
    import pyarrow as pa

    is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    if not is_text and not redact.is_secret_key(name):
        return column
    cells = [None if cell is None else _masked(name, str(cell)) for cell in column.to_pylist()]
    return pa.chunked_array([pa.array(cells, pa.string())])


def _texts(column: "pa.ChunkedArray") -> list[Cell]:
    import pyarrow as pa

    if pa.types.is_temporal(column.type) and not pa.types.is_interval(column.type):
        # not by way of Python's own dates, which end at the year 9999 and need a package for time zones
        return list(column.cast(pa.string()).to_pylist())
    if pa.types.is_interval(column.type):
        return [None if value is None else run_rows.format_interval(value) for value in column.to_pylist()]
    return [_text(value) for value in column.to_pylist()]


def _text(value: Any) -> Cell:
    if value is None:
        return None
    text = f"{len(value):,} bytes: {value[:64].hex(' ')}" if isinstance(value, bytes) else str(value)
    return text if len(text) <= _CELL else shorten(text, _CELL)


def _refusal(error: Exception, query: str) -> SqlError:
    text = str(error)
    found = _CARET.search(text)
    if found is None:
        return SqlError(one_line(text))
    return SqlError(one_line(text[: found.start()]), _place(query, found))


def _place(query: str, found: re.Match[str]) -> int | None:
    """The character of the query that a sign under a quoted line of it stands for."""
    line, quoted = int(found[1]), found[2]
    column = len(found[3]) - len(f"LINE {line}: ")
    lines = query.split("\n")
    if not 1 <= line <= len(lines) or column < 0:
        return None
    begin = sum(len(before) + 1 for before in lines[: line - 1])
    if quoted.startswith("..."):  # a long line is quoted in part
        piece = quoted[3:].removesuffix("...")
        at = lines[line - 1].find(piece)
        return begin + at + column - 3 if at >= 0 else None
    return min(begin + column, len(query))


def _frames(report: "Report") -> Iterator[tuple[str, str]]:
    """The steps whose frame is here, and its file."""
    from osiris_inspect.inspector.run.frame_info import frame_path

    for step in report.run.steps:
        if not layout.is_safe_name(step.id):
            continue
        told = {artifact.path for artifact in step.artifacts if artifact.state == "present"}
        file = frame_path(report.run, step.id)
        if layout.spill_path(step.id) in told and mirrors.is_complete(file):
            yield step.id, str(file.resolve())


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

"""SQL over one run, for ``osiris-inspect sql``, the TUI and the Python API.

Only SELECT and EXPLAIN run. They read the tables of the run and its spilled frames, and no other file. The events and
metrics become tables when a query names them, because they may be long.

One masking policy applies to every cell, in whichever form it leaves this module:

- in a column with the name of a secret (``password``, ``token``, ``key``, …) every value is replaced by ``***``;
- in all other text, passwords in URLs, tokens and cloud keys are replaced, in nested values by their field names too;
- NULL stays NULL, and an empty text stays empty;
- times are ISO 8601 in UTC, intervals and BLOBs are written as DuckDB does, and nested values are JSON;
- text is never cut, except in the pages of the screen, where a cell shows about 2,000 characters.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TextIO

from osiris_inspect.base.sql_limits import exceeded_limit
from osiris_inspect.base.sql_literals import quote_name, quote_text
from osiris_inspect.inspector.files import remote_registry
from osiris_inspect.inspector.files.run_files import RunFiles
from osiris_inspect.inspector.run.frame_info import Cell, FrameColumn, FrameInfo, frame_path
from osiris_inspect.inspector.tables.extracted_fields import extracted_fields
from osiris_inspect.inspector.tables.parquet_budget import file_bytes, oversized_column
from osiris_inspect.inspector.tables.sql_cells import cell_texts, mask_column, write_csv
from osiris_inspect.inspector.tables.sql_memory import (
    NO_MEMORY,
    database_settings,
    is_memory_error,
    scratch_folder,
    small_pieces,
)
from osiris_inspect.inspector.tables.sql_types import SqlError, SqlResult, SqlTable
from osiris_inspect.inspector.tables.table_rows import COLUMNS, TableRow, table_rows, to_arrow_batches
from osiris_inspect.inspector.tables.table_schema import create_tables
from osiris_inspect.inspector.text.sanitize import one_line
from osiris_inspect.inspector.text.units import format_bytes
from osiris_inspect.model import run_layout as layout

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

    from osiris_inspect.inspector.run.report import Report

MAX_ROWS = 1_000_000
"""Rows of a result that ``run_query`` keeps."""

MAX_BYTES = 64 << 20
"""Approximate bytes of a result that ``run_query`` keeps."""

_VECTOR_ROWS: Final = 2_048
"""Rows that DuckDB hands over at once, whatever their size."""
_MAX_VECTOR: Final = 256 << 20
_MAX_MEASURED: Final = 16 << 20
"""Bytes of the file of a frame whose longest texts are measured before a query."""
_MAX_CELL: Final = 2_000
_CARET: Final = re.compile(r"^LINE (\d+): (.*)\n( *)\^", re.MULTILINE)
_EXPLAIN: Final = "EXPLAIN "
_LOGS: Final = ("events", "metrics")
_STOPPED: Final = SqlError("stopped")


class QueryFailed(Exception):
    """A query that was rejected, failed or was cancelled; ``error`` has the text and the position."""

    def __init__(self, error: SqlError) -> None:
        super().__init__(error.text)
        self.error = error


class SqlConsole:
    """The tables of one run. Not thread-safe, except ``cancel``, which another thread calls.

    Attributes:
        unreadable_frames: why a frame is not a table, by its step.
    """

    def __init__(self, report: "Report", query: str = "") -> None:
        """Create the tables; of a remote run, download the frames that ``query`` names."""
        import duckdb

        self._report = report
        self._is_stopped = False
        self._progress = ""
        self._field_names: tuple[str, ...] | None = None
        self.unreadable_frames: dict[str, str] = {}
        self._texts: dict[str, list[str]] = {}
        self._scratch = scratch_folder()
        self._connection: DuckDBPyConnection = duckdb.connect(config=database_settings(self._scratch))
        self._empty = create_tables(
            self._connection, report, self._on_progress, lambda: self._field_names
        ) & set(_LOGS)
        self._insert("steps", table_rows(report, "steps"))
        self._insert("findings", table_rows(report, "findings"))
        self._frames = self._create_frame_views(query.lower())
        self._connection.execute("SET TimeZone = 'UTC'")
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")

    def tables(self) -> list[SqlTable]:
        """Return the tables of the run, then its frames."""
        return [*(SqlTable(name, tuple(columns.items())) for name, columns in COLUMNS.items()), *self._frames]

    def run_query(self, query: str) -> SqlResult | SqlError:
        """Run one SELECT and keep its first rows, or return why it failed."""
        try:
            return _KeptResult(self.stream(query), lambda: self._is_stopped)
        except QueryFailed as failed:
            return failed.error

    def stream(self, query: str) -> "RowStream":
        """Run one SELECT; its rows are computed as they are read.

        Raises:
            QueryFailed: DuckDB rejects the query, or it is not a single SELECT; also while the rows are read.
        """
        self._is_stopped = False
        with self._failures(query):
            self._check_read_only(query)
            for name in sorted(self._empty):
                if name in query.lower():
                    self._load_table(name)
            self._field_names = extracted_fields(self._connection, query)
            relation = self._connection.sql(query)
            self._check_size(relation, query.lower())
            return RowStream(relation, partial(self._failures, query))

    def progress(self) -> str:
        """Return how much of a log was read into its table; empty at other times."""
        return self._progress

    def cancel(self) -> None:
        """End the query that is running; safe after ``close``, which another thread may call meanwhile."""
        import duckdb

        self._is_stopped = True
        with suppress(duckdb.ConnectionException):
            self._connection.interrupt()

    def close(self) -> None:
        """Drop the tables."""
        self._connection.close()
        self._scratch.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _failures(self, query: str) -> Iterator[None]:
        """Raise the errors of DuckDB as ``QueryFailed``."""
        import duckdb

        try:
            yield
        except duckdb.InterruptException:
            raise QueryFailed(_STOPPED) from None
        except (
            duckdb.Error,
            OSError,
            ValueError,
            MemoryError,
        ) as error:  # Arrow raises them while rows are read
            if is_memory_error(error) and not self._is_stopped:
                raise QueryFailed(SqlError(NO_MEMORY)) from None
            raise QueryFailed(_STOPPED if self._is_stopped else self._error(error, query)) from None
        finally:
            self._progress = ""

    def _check_read_only(self, query: str) -> None:
        import duckdb
        from duckdb import StatementType

        limit = exceeded_limit(query, duckdb)
        if limit is not None:
            raise QueryFailed(SqlError(limit.message, limit.offset))
        statements = self._connection.extract_statements(query)
        if len(statements) != 1 or statements[0].type not in (StatementType.SELECT, StatementType.EXPLAIN):
            raise QueryFailed(SqlError("only a single SELECT statement is allowed"))

    def _error(self, error: Exception, query: str) -> SqlError:
        """Return the message of an error and its position, which DuckDB often reports only for an EXPLAIN."""
        import duckdb

        message, position = _parse_error(str(error), query)
        if position is None:
            try:
                self._connection.execute(_EXPLAIN + query)
            except duckdb.Error as explained:
                text, found = _parse_error(str(explained), _EXPLAIN + query)
                if found is not None and found >= len(_EXPLAIN):
                    message, position = text, found - len(_EXPLAIN)
        first = message.partition("\n")[0]
        if "Table with name" in first and "does not exist" in first:
            names = (
                name if name.isidentifier() else f'"{name}"' for name in sorted(t.name for t in self.tables())
            )
            message = f"{first.rstrip('!')}; there are {', '.join(names)}"
        return SqlError(one_line(message), position)

    def _load_table(self, name: str) -> None:
        """Read a log into its table; if it is cancelled, the table is empty again."""
        try:
            self._insert(name, table_rows(self._report, name))
        finally:
            if self._is_stopped:
                self._connection.execute(f'DELETE FROM "{name}"')  # noqa: S608  one of our names
        if self._is_stopped:
            raise QueryFailed(_STOPPED)
        self._empty.discard(name)

    def _on_progress(self, line: int, lines: int) -> bool:
        self._progress = f"{line:,} of {lines:,} lines of events read, {100 * line // max(lines, 1)} %"
        return not self._is_stopped

    def _insert(self, name: str, rows: Iterable[TableRow]) -> None:
        count = 0
        for batch in to_arrow_batches(name, rows):
            if self._is_stopped:
                break
            self._connection.register("batch", batch)
            self._connection.execute(f'INSERT INTO "{name}" SELECT * FROM batch')  # noqa: S608  one of our names
            self._connection.unregister("batch")
            count += batch.num_rows
            self._progress = f"{count:,} lines of {name} read"

    def _check_size(self, relation: "DuckDBPyRelation | None", query: str) -> None:
        """Reject a result whose rows DuckDB cannot hand over in the memory that a small frame may take."""
        if relation is None:
            return
        widest = max((self._longest(table) for table in self._texts if table.lower() in query), default=0)
        if widest * _VECTOR_ROWS <= _MAX_VECTOR:
            return
        sizes = [
            _size_of(name, str(kind), widest)
            for name, kind in zip(relation.columns, relation.types, strict=True)
            if "VARCHAR" in str(kind) or "BLOB" in str(kind) or str(kind) == "JSON"
        ]
        if sizes:
            texts = " + ".join(sizes)
            longest, rows = relation.aggregate(f"max({texts}), count(*)").fetchall()[0]
            if (longest or 0) * min(rows, _VECTOR_ROWS) > _MAX_VECTOR:
                text = f"a row of the result has {format_bytes(longest)} of text; select left(<column>, 1000)"
                raise QueryFailed(SqlError(text))

    def _longest(self, table: str) -> int:
        """Return the most bytes of text in a row of a frame."""
        sizes = " + ".join(f"coalesce(strlen({quote_name(text)}), 0)" for text in self._texts[table])
        query = f"SELECT max({sizes}) FROM {quote_name(table)}"  # noqa: S608  names are quoted
        ((longest,),) = self._connection.execute(query).fetchall()
        return longest or 0

    def _create_frame_views(self, query: str) -> list[SqlTable]:
        """Create a view of every frame that is complete on this machine."""
        import duckdb
        from pyarrow.parquet import read_metadata

        tables: list[SqlTable] = []
        files = []
        for step, file in _frame_files(self._report, query):
            name = f"frame_{step}" if step.lower() in COLUMNS else step
            try:
                if file is None:
                    raise duckdb.Error("it is damaged")
                with RunFiles(Path(file).parent).opened_path(Path(file).name) as opened:
                    metadata = read_metadata(opened)
                if (reason := oversized_column(metadata)) is not None:
                    raise duckdb.Error(f"it is too large to read: {reason}")
                self._connection.read_parquet(file, hive_partitioning=False).create_view(name)
                view = self._connection.sql(f"FROM {quote_name(name)}")
            except (duckdb.Error, OSError, ValueError) as error:  # pyarrow raises the last two
                self.unreadable_frames[step] = one_line(" ".join(str(error).splitlines()[:2]))
                tables.append(SqlTable(name, (("cannot be read", ""),), is_frame=True))
                continue
            files.append(quote_text(file))
            columns = tuple(zip(view.columns, map(str, view.types), strict=True))
            tables.append(SqlTable(name, columns, is_frame=True))
            if file_bytes(metadata) <= _MAX_MEASURED:
                texts = [column for column, kind in columns if kind == "VARCHAR"]
                self._texts |= {name: texts} if texts else {}
        self._connection.execute(f"SET allowed_paths = [{', '.join(files)}]")
        return tables


class RowStream:
    """The rows of a query, read once, batch by batch.

    Attributes:
        names: names of the columns.
        types: DuckDB's names of their types.
        schema: their Arrow types.
    """

    def __init__(self, relation: "DuckDBPyRelation | None", failures: Callable[[], Any]) -> None:
        """Start reading; without a relation the query has no rows (an empty statement)."""
        import pyarrow as pa

        empty = pa.RecordBatchReader.from_batches(pa.schema([]), [])
        self._reader = relation.to_arrow_reader(_VECTOR_ROWS) if relation is not None else empty
        self._failures = failures
        self.schema: pa.Schema = self._reader.schema
        self.names: list[str] = list(self.schema.names)
        self.types = tuple(map(str, relation.types)) if relation is not None else ()

    def batches(self) -> Iterator["pa.RecordBatch"]:
        """Yield the rows, with their secrets: pass them to ``sql_cells``.

        Raises:
            QueryFailed: a row cannot be computed, or is too large.
        """
        with self._failures():
            for batch in self._reader:
                yield from small_pieces(batch)

    def masked_batches(self) -> Iterator["pa.RecordBatch"]:
        """Yield the rows with secrets masked, first an empty batch that has the schema.

        Raises:
            QueryFailed: a row cannot be computed.
        """
        return _masked_batches(self.schema, self.batches())


class _KeptResult:
    """The first rows of a query, kept as Arrow. A ``FrameReader`` for the screens."""

    def __init__(self, stream: RowStream, is_stopped: Callable[[], bool]) -> None:
        import pyarrow as pa

        self._names = stream.names
        self._batches: list[pa.RecordBatch] = []
        self.is_complete = True
        rows = size = 0
        for batch in stream.batches():
            if rows >= MAX_ROWS or size >= MAX_BYTES or is_stopped():
                self.is_complete = False
                break
            self._batches.append(batch)
            rows, size = rows + batch.num_rows, size + batch.nbytes
        self._table = pa.Table.from_batches(self._batches, stream.schema)
        columns = tuple(map(FrameColumn, self._names, stream.types))
        self.info = FrameInfo(Path("answer"), rows, size, len(self._batches), columns)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def read_page(
        self, begin: int, count: int, columns: Sequence[str] | None = None
    ) -> list[tuple[Cell, ...]]:
        """Return at most ``count`` rows from ``begin``, counted from 0, as masked text."""
        page = self._table.slice(begin, count)
        page = page if columns is None else page.select(list(columns))
        names = page.column_names
        return [
            row
            for batch in page.to_batches()
            for row in zip(
                *(
                    cell_texts(name, column, _MAX_CELL)
                    for name, column in zip(names, batch.columns, strict=True)
                ),
                strict=True,
            )
        ]

    def to_arrow(self) -> "pa.Table":
        """Return the rows with the types of the query, secrets masked."""
        import pyarrow as pa

        return pa.Table.from_batches(_masked_batches(self._table.schema, self._batches))

    def csv(self, out: TextIO) -> None:
        """Write the rows as CSV, secrets masked."""
        write_csv(self._names, self._batches, out)


def _size_of(name: str, kind: str, widest: int) -> str:
    """Return the SQL for the bytes of a cell; a nested one can have all the text of a row."""
    function = {"VARCHAR": "strlen", "JSON": "strlen", "BLOB": "octet_length"}.get(kind)
    return str(widest) if function is None else f"coalesce({function}({quote_name(name)}), 0)"


def _masked_batches(schema: "pa.Schema", batches: Iterable["pa.RecordBatch"]) -> Iterator["pa.RecordBatch"]:
    import pyarrow as pa

    empty = pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)
    for batch in chain([empty], batches):
        columns = map(mask_column, schema.names, batch.columns)
        yield pa.RecordBatch.from_arrays(list(columns), schema.names)


def _parse_error(text: str, query: str) -> tuple[str, int | None]:
    """Return the message of DuckDB without the quoted query, and the position in the query."""
    caret = _CARET.search(text)
    return (text, None) if caret is None else (text[: caret.start()], _caret_position(query, caret))


def _caret_position(query: str, caret: re.Match[str]) -> int | None:
    """Return the index of the character of the query under which DuckDB puts its caret."""
    line, quoted = int(caret[1]), caret[2]
    column = len(caret[3]) - len(f"LINE {line}: ")
    lines = query.split("\n")
    if not 1 <= line <= len(lines) or column < 0:
        return None
    begin = sum(len(before) + 1 for before in lines[: line - 1])
    if quoted.startswith("..."):  # DuckDB quotes a part of a long line
        start = lines[line - 1].find(quoted[3:].removesuffix("..."))
        return begin + start + column - 3 if start >= 0 else None
    return min(begin + column, len(query))


def _frame_files(report: "Report", query: str) -> Iterator[tuple[str, str | None]]:
    """Yield the steps that have a frame on this machine and its file; None for a damaged one."""
    for step in report.run.steps:
        if not layout.is_safe_name(step.id):
            continue
        spill = layout.spill_path(step.id)
        state = next((artifact.state for artifact in step.artifacts if artifact.path == spill), None)
        if state == "corrupt":
            yield step.id, None
        elif state == "present":
            file = frame_path(report.run, step.id)
            if step.id.lower() in query:
                remote_registry.fetch_all(file)
            if remote_registry.is_complete(file):
                yield step.id, str(file.resolve())

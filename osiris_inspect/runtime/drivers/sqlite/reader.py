"""Rows of a query on a SQLite file, in batches of Arrow."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from osiris_inspect.base.sql_literals import quote_name
from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.driver import Config, DriverContext
from osiris_inspect.runtime.drivers.sqlite.connect import table_names
from osiris_inspect.runtime.drivers.sqlite.errors import sqlite_error
from osiris_inspect.runtime.drivers.sqlite.types import SqliteColumn, column_of, column_of_values
from osiris_inspect.runtime.frames.conversion.arrow_types import BYTES_PER_SLICE, ROWS_PER_SLICE

_FIRST_ROWS: Final = 1024
_GROWTH: Final = 4
"""How many times more rows than before are read at most, because the next ones may be wider."""
_VIEW: Final = "temp.osiris_query"
_CLASSES: Final[dict[str, type]] = {"integer": int, "real": float, "text": str, "blob": bytes}
_NOT_UTF8: Final = re.compile(r"Could not decode to UTF-8 column '(.*?)' with text", re.DOTALL)


class SqliteQuery:
    """The query of a step, or all rows of its table."""

    def __init__(self, session: sqlite3.Connection, path: Path, config: Config, ctx: DriverContext) -> None:
        self._session, self._path, self._ctx = session, path, ctx
        table = config.get("table")
        self._sql: str = config["query"] if table is None else f"SELECT * FROM {quote_name(str(table))}"  # noqa: S608  quoted
        self._is_table = table is not None
        self._reads_declared = config["types"] == "declared"

    def open(self) -> tuple[pa.Schema, Callable[[], Iterator[pa.RecordBatch]]]:
        """Run the query; return the schema of its rows, and a function that yields them in batches.

        Raises:
            DriverError: the query fails or returns no rows, or a column has values of several types.
        """
        with self._driver_errors():
            cursor = self._session.execute(self._sql)
            if cursor.description is None:
                raise DriverError(
                    "the query returns no rows", kind="query-result-unusable", fix="write a SELECT"
                )
            names = [str(column[0]) for column in cursor.description]
            first = self._fetch(cursor, _FIRST_ROWS, 0)
            columns = self._columns(names, first)
        # names in a result need not be unique
        schema = pa.schema([pa.field(column.name, column.type) for column in columns])
        return schema, lambda: self._batches(cursor, first, columns, schema)

    def _columns(self, names: list[str], first: list[tuple[Any, ...]]) -> list[SqliteColumn]:
        declared = self._declared_types(names)
        values = list(zip(*first, strict=True)) if first else [()] * len(names)
        columns = [
            column_of(name, kind, cells, reads_declared=self._reads_declared)
            for name, kind, cells in zip(names, declared, values, strict=True)
        ]
        unknown = [number for number, column in enumerate(columns) if column is None]
        if len(first) < _FIRST_ROWS:
            kinds = {number: set(map(type, values[number])) for number in unknown}
        else:
            kinds = self._kinds_of_all_rows(unknown)
        return [
            column
            or column_of_values(names[number], declared[number], kinds[number], self._empty(declared[number]))
            for number, column in enumerate(columns)
        ]

    def _declared_types(self, names: list[str]) -> list[str]:
        """Return the declared type of each column, which the columns of a view have too."""
        numbered = ", ".join(f"c{number}" for number in range(len(names)))
        try:
            self._session.execute(f"CREATE TEMP VIEW osiris_query ({numbered}) AS\n{self._sql}")
        except sqlite3.Error as error:
            raise DriverError(
                f"the query is not a SELECT: {error}", kind="query-result-unusable", fix="write a SELECT"
            ) from error
        rows = self._session.execute("PRAGMA temp.table_info(osiris_query)").fetchall()
        return [str(row[2] or "") for row in rows]

    def _kinds_of_all_rows(self, numbers: list[int]) -> dict[int, set[type]]:
        """Return the Python types of the values of columns, which takes another run of the query."""
        if not numbers:
            return {}
        tests = (f"max(typeof(c{number}) = '{name}')" for number in numbers for name in _CLASSES)
        query = f"SELECT {', '.join(tests)} FROM {_VIEW}"  # noqa: S608  names and numbers of this module
        flags = iter(self._session.execute(query).fetchone())
        return {number: {kind for kind in _CLASSES.values() if next(flags)} for number in numbers}

    def _empty(self, declared: str) -> pa.DataType:
        """Return the type of a column without values; a newer SQLite calls computed ones BLOB too."""
        is_blob = self._is_table and declared.upper() == "BLOB"
        return pa.large_binary() if is_blob else pa.null()

    def _batches(
        self,
        cursor: sqlite3.Cursor,
        first: list[tuple[Any, ...]],
        columns: list[SqliteColumn],
        schema: pa.Schema,
    ) -> Iterator[pa.RecordBatch]:
        done = 0
        with self._driver_errors():
            size, rows = _FIRST_ROWS, first
            while rows:
                cells = zip(*rows, strict=True)
                arrays = [column.read(each, done + 1) for column, each in zip(columns, cells, strict=True)]
                batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
                done += batch.num_rows
                self._ctx.progress(done)
                yield batch
                fitting = BYTES_PER_SLICE * batch.num_rows // max(1, batch.nbytes)
                size = max(1, min(size * _GROWTH, ROWS_PER_SLICE, fitting))
                rows = self._fetch(cursor, size, done)
        self._ctx.metric("rows_read", done)

    def _fetch(self, cursor: sqlite3.Cursor, count: int, done: int) -> list[tuple[Any, ...]]:
        try:
            return cursor.fetchmany(count)
        except sqlite3.OperationalError as error:
            if (match := _NOT_UTF8.match(str(error))) is None:
                raise
            raise self._not_utf8_error(match[1], done) from error

    def _not_utf8_error(self, column: str, done: int) -> DriverError:
        """Return the error for text that is not UTF-8; its row is found in another run of the query."""
        self._session.text_factory = _text_mark
        rows = enumerate(self._session.execute(self._sql), 1)
        number = next((number for number, row in rows if any(cell is False for cell in row)), done + 1)
        return DriverError(
            f"column {column!r} contains text that is not UTF-8 in row {number:,}",
            kind="encoding-wrong",
            fix=f"correct the text, or select CAST({quote_name(column)} AS BLOB) in the query",
            column=column,
            row=number,
            path=str(self._path),
        )

    @contextmanager
    def _driver_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            tables = table_names(self._session) if "no such table" in str(error) else ()
            raise sqlite_error(error, "querying", self._path, tables) from error


def _text_mark(raw: bytes) -> bool:
    """Return whether text is UTF-8, in place of the text."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True

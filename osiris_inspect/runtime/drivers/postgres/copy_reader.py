"""Rows of a query by COPY: the server sends CSV, and Arrow parses it in the declared types."""

import io
from collections.abc import Iterator
from typing import Any, Final

import psycopg
import pyarrow as pa
import pyarrow.csv as pc
from psycopg import pq

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.driver import DriverContext
from osiris_inspect.runtime.drivers.postgres.errors import query_error
from osiris_inspect.runtime.drivers.postgres.types import PostgresColumn, column_of

_BLOCK_BYTES: Final = 4 * 1024 * 1024


def describe(session: psycopg.Connection[Any], sql: str, numeric: str) -> list[PostgresColumn]:
    """Return the columns of a query without running it.

    Raises:
        DriverError: the SQL is invalid, or returns no rows.
    """
    session.execute(
        "SET LOCAL datestyle = 'ISO'; SET LOCAL timezone = 'UTC'; SET LOCAL intervalstyle = 'postgres'"
    )
    connection = session.pgconn
    for result in (connection.prepare(b"", sql.encode()), connection.describe_prepared(b"")):
        if result.status != pq.ExecStatus.COMMAND_OK:
            error = psycopg.errors.error_from_result(result, encoding="utf-8")
            position = error.diag.statement_position
            line = sql[: int(position) - 1].count("\n") + 1 if position else None
            raise query_error(error, line) from error
    if not result.nfields:
        raise DriverError("the query returns no rows", kind="query-result-unusable", fix="write a SELECT")
    return [
        column_of((result.fname(index) or b"").decode(), result.ftype(index), result.fmod(index), numeric)
        for index in range(result.nfields)
    ]


def batches(
    session: psycopg.Connection[Any], sql: str, columns: list[PostgresColumn], ctx: DriverContext
) -> Iterator[pa.RecordBatch]:
    """Yield the rows in batches of a few megabytes.

    Raises:
        DriverError: the server reported an error, or a value is not valid in its column's type.
    """
    schema = pa.schema([pa.field(column.name, column.type) for column in columns])
    names = [f"c{index}" for index in range(len(columns))]
    convert = pc.ConvertOptions(
        column_types={name: column.csv for name, column in zip(names, columns, strict=True)},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        true_values=["t"],
        false_values=["f"],
    )
    rows = 0
    for block in _blocks(session, sql):
        read = pc.ReadOptions(column_names=names, block_size=len(block) + 1, use_threads=False)
        parse = pc.ParseOptions(newlines_in_values=True, ignore_empty_lines=False)
        table = pc.read_csv(io.BytesIO(block), read, parse, convert).combine_chunks()
        arrays = [column.read(_one_chunk(table.column(index))) for index, column in enumerate(columns)]
        rows += table.num_rows
        ctx.progress(rows)
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)
    ctx.metric("rows_read", rows)


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def _blocks(session: psycopg.Connection[Any], sql: str) -> Iterator[bytes]:
    """Yield blocks of complete CSV rows; the server sends each row in one message."""
    query = sql.strip().rstrip(";")
    rows: list[bytes] = []
    size = 0
    try:
        with (
            session.cursor() as cursor,
            cursor.copy(f"COPY (\n{query}\n) TO STDOUT (FORMAT csv)".encode()) as copy,
        ):
            for row in copy:
                rows.append(bytes(row))
                size += len(row)
                if size >= _BLOCK_BYTES:
                    yield b"".join(rows)
                    rows, size = [], 0
    except psycopg.Error as error:
        raise query_error(error) from error
    if rows:
        yield b"".join(rows)

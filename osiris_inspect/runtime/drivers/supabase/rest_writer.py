"""Writing a frame to a table over REST in batches; each batch is atomic, and the server counts the rows.

There are no transactions over several requests. In mode ``replace``, rows are written before stale rows are deleted, so an
error in between loses no row that should stay.
"""

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from postgrest import APIResponse, CountMethod, ReturnMethod, SyncRequestBuilder, SyncSelectRequestBuilder

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.database import fix_of_kind
from osiris_inspect.runtime.drivers.interface.driver import DriverContext
from osiris_inspect.runtime.drivers.interface.frame_columns import delimiter_of_header, header_error
from osiris_inspect.runtime.drivers.interface.writer_input import UNKNOWN_ROWS, WriterInput
from osiris_inspect.runtime.drivers.postgres.copy_writer import REJECTED_ROWS_FIX, ROWS_PER_BATCH, WriteTarget
from osiris_inspect.runtime.drivers.postgres.errors import ServerError, blame_input
from osiris_inspect.runtime.drivers.supabase.json_columns import (
    TargetKind,
    quoted,
    sample_texts,
    target_kinds,
)
from osiris_inspect.runtime.drivers.supabase.rest_client import PostgrestClient, with_body
from osiris_inspect.runtime.drivers.supabase.rest_errors import (
    STATEMENT_TIMEOUT,
    TOO_LARGE,
    RequestFailed,
    RequestRejected,
    Unreachable,
)
from osiris_inspect.runtime.drivers.supabase.row_encoding import check_rows, column_of_value, encode_rows
from osiris_inspect.runtime.frames.conversion.natural import Natural
from osiris_inspect.runtime.frames.stream import rechunk

BATCH: Final = 5_000
_WIDE_ROW: Final = 4096
_WIDE_REQUEST_BYTES: Final = 1 << 20
"""Most bytes of a request of rows of more than 4 KiB; the HTTP client makes about 20 copies of a request."""
_PAGE: Final = 1_000
_MAX_FILTER_LENGTH: Final = 4_000
_SCHEMA_CACHE_CODES: Final = frozenset({"PGRST204", "PGRST205"})
_COLUMN_CODES: Final = frozenset({"PGRST204", "42703"})
_NAME_CODES: Final = frozenset({"42703", "42P01"})
"""A name does not exist; of a trigger, if the columns of the table were found before."""
_HINT: Final = re.compile(r"Perhaps you meant the table '([^'\n]{1,200})'")
_DATA_EXCEPTION: Final = "22"
"""Class of codes."""
_SCHEMA_CACHE_TIMEOUT_S: Final = 10.0


class RestWriter:
    """Write of one frame over REST."""

    def __init__(
        self, client: PostgrestClient, target: WriteTarget, ctx: DriverContext, batch_size: int | None
    ) -> None:
        # appending does not use the key, and the server may fill its columns
        self._target = target if target.mode != "append" else replace(target, key=())
        self._client, self._ctx = client, ctx
        self._batch_size = batch_size or BATCH
        self._written = 0
        self._total = 0
        self._written_keys: set[bytes] = set()
        self._is_deleting = self._is_sending = self._are_columns_known = False
        self._target_kinds: Mapping[str, TargetKind] = {}
        self._names: list[str] = []

    def run(self, frames: WriterInput) -> int:
        """Write all rows; return the number of rows that the server counted.

        Raises:
            DriverError: the write failed; has the server's message, the number of rows written, and what to do.
        """
        schema, batches = frames.batches(ROWS_PER_BATCH)
        self._names = schema.names
        self._target.check_frame_columns(schema.names)
        try:
            self._check_columns(schema.names)
            self._target_kinds = target_kinds(sample_texts(schema, frames.natural), self._rejection)
        except RequestFailed as failure:
            raise self._failed(failure, frames) from failure
        keys, size = [], 0
        for batch in batches:
            self._check_values(batch, frames.natural)
            keys.append(batch.select(self._target.key))
            size += batch.nbytes
        width = size // max(1, frames.rows)
        if width > _WIDE_ROW:
            self._batch_size = max(1, min(self._batch_size, _WIDE_REQUEST_BYTES // width))
        rows = None
        if self._target.mode != "append":
            rows = _unique_rows(
                pa.Table.from_batches(keys, _selected(schema, self._target.key)), self._target
            )
        self._total = frames.rows if rows is None else len(rows)
        _, batches = frames.batches(ROWS_PER_BATCH)
        try:
            for table in rechunk(schema, _taken(batches, rows), self._batch_size):
                self._send(table, frames.natural)
            if self._target.mode == "replace":
                self._delete_stale_rows()
        except RequestFailed as failure:
            raise self._failed(failure, frames) from failure
        return self._written

    def _check_columns(self, names: list[str]) -> None:
        """Check that the table exists and has the columns, before rows are sent."""
        self._client.run(_select(self._table.select(), map(quoted, names)).limit(0))
        self._are_columns_known = True

    def _rejection(self, condition: str) -> RequestRejected | None:
        """Return how the server rejects a filter because of its values; None if it accepts the filter."""
        query = _select(self._table.select(), [quoted(self._names[0])]).or_(condition).limit(0)
        try:
            self._client.run(query)
        except RequestRejected as rejected:
            if rejected.status in (400, 404):
                return rejected
            raise
        return None

    def _check_values(self, batch: pa.RecordBatch, natural: Mapping[str, Natural]) -> None:
        try:
            check_rows(batch, natural, self._target_kinds)
        except DriverError as error:
            raise self._write_failed(error.message, error.kind, error.fix, error.facts) from error

    def wait_for_schema_cache(self, names: list[str]) -> None:
        """Wait until PostgREST, which reloads its schema cache with a delay, knows a new table."""
        deadline = time.monotonic() + _SCHEMA_CACHE_TIMEOUT_S
        while True:
            try:
                self._check_columns(names)
            except RequestFailed as failure:
                is_stale = isinstance(failure, RequestRejected) and (
                    failure.is_missing_table or failure.code in _COLUMN_CODES
                )
                if not is_stale or time.monotonic() > deadline:
                    raise self._failed(failure) from failure
                time.sleep(0.1)
            else:
                return

    @property
    def _table(self) -> SyncRequestBuilder:
        return self._client.table(self._target.table)

    @property
    def _key_as_text(self) -> list[str]:
        """The key columns as text, because JSON numbers would lose digits."""
        return [f"{quoted(name)}::text" for name in self._target.key]

    def _send(self, rows: pa.Table, natural: Mapping[str, Natural]) -> None:
        """Send a batch; split it if it is too large or the server's statement timeout expires."""
        query = with_body(self._insert(rows.column_names), encode_rows(rows, natural, self._target_kinds))
        self._is_sending = True
        try:
            response = self._client.run(query, is_idempotent=self._target.mode != "append")
        except RequestRejected as refused:
            if rows.num_rows < 2 or not (refused.code == STATEMENT_TIMEOUT or refused.status == TOO_LARGE):
                if refused.code.startswith(_DATA_EXCEPTION):
                    refused.name_column(column_of_value(refused.reason, rows, natural))
                raise
            half = rows.num_rows // 2
            self._send(rows.slice(0, half), natural)
            self._send(rows.slice(half), natural)
            return
        self._is_sending = False
        if self._target.mode == "replace":
            self._written_keys |= {self._key_of(row) for row in _rows(response)}
        self._count(response.count, rows.num_rows)

    def _insert(self, names: list[str]) -> SyncSelectRequestBuilder:
        """Return the request for rows with columns of these names, without the rows."""
        rows, count, key = [dict.fromkeys(names)], CountMethod.exact, ",".join(map(quoted, self._target.key))
        if self._target.mode == "append":
            return self._table.insert(rows, count=count, returning=ReturnMethod.minimal)
        if self._target.mode == "upsert":
            return self._table.upsert(rows, count=count, returning=ReturnMethod.minimal, on_conflict=key)
        query = self._table.upsert(rows, count=count, returning=ReturnMethod.representation, on_conflict=key)
        return _select(query, self._key_as_text)

    def _count(self, accepted: int | None, sent: int) -> None:
        if accepted is None:
            raise DriverError(
                f"Supabase write to {self._target.name} failed: the server did not report how many of {sent:,} rows "
                f"it took: a proxy removes Content-Range; {_unknown_note(self._written)}",
                kind="write-unconfirmed",
                fix="let the proxy pass Content-Range, or write over SQL, with pg_dsn",
                table=self._target.name,
                rows=sent,
                rows_written=UNKNOWN_ROWS,
            )
        self._written += accepted
        self._ctx.progress(self._written)
        if accepted != sent:
            text = self._target.rejected_rows_message(accepted, sent)
            counts = {"rows": sent, "rows_accepted": accepted}
            raise self._write_failed(text, "rows-rejected", REJECTED_ROWS_FIX, counts)

    def _delete_stale_rows(self) -> None:
        self._is_deleting = True
        stale = [row for row in self._existing_keys() if self._key_of(row) not in self._written_keys]
        for condition in _key_filters(stale, self._target.key):
            self._client.run(self._table.delete(returning=ReturnMethod.minimal).or_(condition))
        count = self._client.run(self._table.select("*", count=CountMethod.exact, head=True)).count
        if count is not None and count != len(self._written_keys):
            text = f"it has {count:,} rows instead of {len(self._written_keys):,}"
            reason = "another client writes to it, or a policy keeps rows"
            raise DriverError(
                f"Supabase replace of {self._target.name} failed: {text}: {reason}",
                kind="rows-rejected",
                fix="stop the other client, or change the policy, and run the step again",
                table=self._target.name,
                rows=count,
                expected_rows=len(self._written_keys),
                rows_written=self._written,
            )

    def _existing_keys(self) -> Iterator[dict[str, Any]]:
        """Yield the key of every row, page by page, because the server limits the rows of a response."""
        offset = 0
        while True:
            query = _select(self._table.select(), self._key_as_text).limit(_PAGE).offset(offset)
            for name in self._target.key:
                query = query.order(quoted(name))
            page = _rows(self._client.run(query))
            if not page:
                return
            offset += len(page)
            yield from page

    def _key_of(self, row: Mapping[str, Any]) -> bytes:
        return orjson.dumps([row[name] for name in self._target.key])

    def _failed(self, failure: RequestFailed, frames: WriterInput | None = None) -> DriverError:
        is_of_trigger = False
        if isinstance(failure, RequestRejected):
            if self._are_columns_known and failure.code in _SCHEMA_CACHE_CODES:
                reason = (
                    f"{failure.message}: PostgREST has just read these columns, so its schema cache is old"
                )
                fix = "run NOTIFY pgrst, 'reload schema' in the database"
                return self._write_failed(reason, "schema-cache-stale", fix, failure.error_facts)
            is_of_trigger = self._are_columns_known and failure.code in _NAME_CODES
            if failure.is_missing_table and not is_of_trigger:
                return self._table_missing(failure)
            is_of_frame = failure.code in _COLUMN_CODES and not is_of_trigger
            delimiter = delimiter_of_header(self._names) if is_of_frame else None
            if delimiter is not None:
                return header_error(self._names[0], delimiter)
        if self._is_sending and failure.may_have_been_applied:
            return self._outcome_unknown(failure)
        if isinstance(failure, Unreachable):
            text, count = self._outcome()
            return DriverError(
                f"Supabase connection failed: {failure.message}; {text}",
                kind=failure.kind,
                fix=failure.fix,
                phase="connecting",
                rows_written=count,
            )
        fix = fix_of_kind(failure.kind, "writing") if is_of_trigger else failure.fix
        error = ServerError(failure.message, failure.kind, fix, failure.error_facts)
        text, kind, fix, facts = error if frames is None else blame_input(error, frames)
        return self._write_failed(text, kind, fix, facts)

    def _table_missing(self, refused: RequestRejected) -> DriverError:
        fix = "set create_if_missing: true, with pg_dsn in the connection"
        doubt = ", or PostgREST does not know it" if refused.code == "PGRST205" else ""
        if self._target.create_if_missing:
            fix = "set pg_dsn in the connection: only SQL can create a table"
        near = _HINT.search(refused.reason)
        if near is not None:
            fix = f"did you mean {near[1]!r}?"
        elif refused.code == "PGRST205":
            fix += "; if the table exists, run NOTIFY pgrst, 'reload schema'"
        elif refused.is_empty_404:
            fix += "; if the table exists, check url of the connection"
        return DriverError(
            f"Supabase write to {self._target.name} failed: table {self._target.name} does not exist{doubt}",
            kind="table-missing",
            fix=fix,
            **self._facts(refused.error_facts, self._outcome()[1]),
        )

    def _outcome_unknown(self, failure: RequestFailed) -> DriverError:
        """Return the error for a batch that the database can have executed."""
        message = failure.message
        if isinstance(failure, RequestRejected) and failure.is_of_gateway:
            message = f"a proxy in front of the database answered {message}"
        fix = "run the step again"
        if self._target.mode == "append":
            fix = "look which rows were written before the step runs again; upsert can be repeated"
        return DriverError(
            f"Supabase write to {self._target.name} failed: {message}; {_unknown_note(self._written)}",
            kind=failure.kind,
            fix=fix,
            **self._facts(failure.error_facts, UNKNOWN_ROWS),
        )

    def _write_failed(self, reason: str, kind: str, fix: str | None, facts: Mapping[str, Any]) -> DriverError:
        text, count = self._outcome()
        return DriverError(
            f"Supabase write to {self._target.name} failed: {reason}; {text}",
            kind=kind,
            fix="run the step again" if self._is_deleting else fix,
            **self._facts(facts, count),
        )

    def _facts(self, facts: Mapping[str, Any], rows_written: int | str) -> dict[str, Any]:
        phase = "writing" if self._are_columns_known else "querying"
        return {"phase": phase, **facts, "table": self._target.name, "rows_written": rows_written}

    def _outcome(self) -> tuple[str, int]:
        """Return how many rows were written, as text and as number."""
        if self._is_deleting:
            rows = (
                f"all {self._written:,} rows were written" if self._written else "there was no row to write"
            )
            return f"{rows}, but some stale rows may remain", self._written
        if not self._written:
            return "nothing was written", 0
        return f"{self._written:,} of {self._total:,} rows were written before and stay", self._written


def _unknown_note(written: int) -> str:
    return "unknown whether rows were written" + (f" after the first {written:,}" if written else "")


def _unique_rows(keys: pa.Table, target: WriteTarget) -> "np.ndarray[Any, Any] | None":
    """Return the numbers of the rows to write, in order; None for all.

    Raises:
        DriverError: a key is null or not unique.
    """
    nulls = max(column.null_count for column in keys.columns) if keys.num_rows else 0
    if nulls:
        raise target.null_key_error(nulls)
    numbered = keys.append_column("osiris_row", pa.array(range(keys.num_rows), pa.int64()))
    groups = numbered.group_by(list(target.key)).aggregate([("osiris_row", "max"), ("osiris_row", "count")])
    if groups.num_rows == keys.num_rows:
        return None
    if target.keep_last_duplicate:
        return np.sort(groups["osiris_row_max"].to_numpy())
    duplicate = groups.filter(pc.greater(groups["osiris_row_count"], 1)).slice(0, 1).to_pylist()[0]
    raise target.duplicate_key_error(duplicate["osiris_row_count"], [duplicate[name] for name in target.key])


def _selected(schema: pa.Schema, names: Iterable[str]) -> pa.Schema:
    return pa.schema([schema.field(name) for name in names])


def _taken(
    batches: Iterator[pa.RecordBatch], rows: "np.ndarray[Any, Any] | None"
) -> Iterator[pa.RecordBatch]:
    """Yield the batches with the rows of these numbers only; None takes all."""
    start = 0
    for batch in batches:
        end = start + batch.num_rows
        if rows is None:
            yield batch
        else:
            first, last = np.searchsorted(rows, [start, end])
            yield batch.take(pa.array(rows[first:last] - start))
        start = end


def _key_filters(rows: list[dict[str, Any]], key: tuple[str, ...]) -> Iterator[str]:
    """Yield filters that match the rows, each short enough for a URL."""
    conditions: list[str] = []
    for row in rows:
        condition = ",".join(f"{quoted(name)}.eq.{quoted(row[name])}" for name in key)
        conditions.append(f"and({condition})" if len(key) > 1 else condition)
        if sum(map(len, conditions)) > _MAX_FILTER_LENGTH:
            yield ",".join(conditions)
            conditions = []
    if conditions:
        yield ",".join(conditions)


def _select(query: SyncSelectRequestBuilder, columns: Iterable[str]) -> SyncSelectRequestBuilder:
    """Return the request with the selected columns; the library would remove spaces from quoted names."""
    query.request.params = query.request.params.set("select", ",".join(columns))
    return query


def _rows(response: APIResponse) -> list[dict[str, Any]]:
    rows: list[Any] = list(response.data)
    return rows

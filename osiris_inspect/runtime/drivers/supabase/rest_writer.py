"""A frame into a table over REST: batch by batch, each all or nothing, counted by the server.

There is no transaction over several requests. So rows are first written, then what is stale is removed: whatever fails in
between, no row that was there and should stay is missing.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc
from postgrest import APIResponse, CountMethod, ReturnMethod, SyncRequestBuilder, SyncSelectRequestBuilder

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.driver import DriverContext
from osiris_inspect.runtime.drivers.interface.writer_input import WriterInput
from osiris_inspect.runtime.drivers.postgres.copy_writer import WriteTarget
from osiris_inspect.runtime.drivers.supabase import row_encoding as rest_rows
from osiris_inspect.runtime.drivers.supabase.rest_client import (
    PostgrestClient,
    RequestRejected,
    ResponseLost,
    Unreachable,
)

BATCH: Final = 5_000
_PAGE: Final = 1_000
_LONGEST_FILTER: Final = 4_000
_PAYLOAD_TOO_LARGE: Final = frozenset({"57014"})
_SCHEMA_CACHE_TIMEOUT_S: Final = 10.0


class RestWriter:
    """One write over REST."""

    def __init__(
        self, session: PostgrestClient, target: WriteTarget, ctx: DriverContext, batch_size: int | None
    ) -> None:
        self._session, self._target, self._ctx = session, target, ctx
        self._batch = batch_size or BATCH
        self._written = 0
        self._total = 0
        self._kept: set[bytes] = set()
        self._is_removing = False
        self._documents: frozenset[str] = frozenset()

    def run(self, frames: WriterInput) -> int:
        """Write all rows and give how many the server counted.

        Raises:
            DriverError: says what the server said, how many rows were written before, and what to do.
        """
        schema, batches = frames.batches(65_536)
        table = pa.Table.from_batches(list(batches), schema=schema)
        if not schema.names:
            raise DriverError("the frame has no columns; there is nothing to write")
        if self._target.mode != "append":
            table = _deduplicate(table, self._target)
        self._total = table.num_rows
        try:
            self._check_columns(schema.names)
            asked = rest_rows.json_text_columns(table)
            self._documents = frozenset(name for name in asked if self._holds_json(name))
            for start in range(0, table.num_rows, self._batch):
                self._send(table.slice(start, self._batch), frames.dtypes)
            if self._target.mode == "replace":
                self._delete_stale_rows()
        except (RequestRejected, ResponseLost, Unreachable) as error:
            raise DriverError(self._failed(error)) from error
        return self._written

    def _check_columns(self, names: list[str]) -> None:
        """See that table, key and columns are what they should be before a row is sent."""
        self._session.run(_select(self._table.select(), map(_quoted, names)).limit(0))

    def _holds_json(self, name: str) -> bool:
        """Whether a column is of JSON, where text would be kept as one piece of text: only there one can look inside."""
        look = [f"{_quoted(name)}->osiris"]
        try:
            self._session.run(_select(self._table.select(), look).limit(0))
        except RequestRejected as refused:
            if refused.status in (400, 404):
                return False
            raise
        return True

    def wait_for_schema_cache(self, names: list[str]) -> None:
        """Wait until PostgREST knows a table that was just made; it looks again a moment after it is told to."""
        until = time.monotonic() + _SCHEMA_CACHE_TIMEOUT_S
        while True:
            try:
                self._check_columns(names)
            except RequestRejected as refused:
                if (
                    not (refused.is_missing_table or refused.code in ("PGRST204", "42703"))
                    or time.monotonic() > until
                ):
                    raise DriverError(self._failed(refused)) from refused
                time.sleep(0.1)
            else:
                return

    @property
    def _table(self) -> SyncRequestBuilder:
        return self._session.table(self._target.table)

    @property
    def _key_as_text(self) -> list[str]:
        """The key as PostgreSQL writes it: JSON's numbers would not keep every digit."""
        return [f"{_quoted(name)}::text" for name in self._target.key]

    # --- rows

    def _send(self, rows: pa.Table, dtypes: Mapping[str, str]) -> None:
        """One batch; one that takes the server too long goes in two halves."""
        try:
            query = self._insert(rest_rows.encode_rows(rows, dtypes, self._documents))
        except DriverError as error:
            text = f"Supabase write to {self._target.name} failed: {error}; {self._rows_remain_note()}"
            raise DriverError(text) from error
        try:
            answer = self._session.run(query, is_idempotent=self._target.mode != "append")
        except RequestRejected as refused:
            if rows.num_rows < 2 or not (refused.code in _PAYLOAD_TOO_LARGE or refused.status == 413):
                raise
            half = rows.num_rows // 2
            self._send(rows.slice(0, half), dtypes)
            self._send(rows.slice(half), dtypes)
            return
        if self._target.mode == "replace":
            self._kept |= {_identity(row, self._target.key) for row in _rows_of(answer)}
        self._count(answer.count, rows.num_rows)

    def _insert(self, rows: list[dict[str, Any]]) -> SyncSelectRequestBuilder:
        count, key = CountMethod.exact, ",".join(map(_quoted, self._target.key))
        if self._target.mode == "append":
            return self._table.insert(rows, count=count, returning=ReturnMethod.minimal)
        if self._target.mode == "upsert":
            return self._table.upsert(rows, count=count, returning=ReturnMethod.minimal, on_conflict=key)
        query = self._table.upsert(rows, count=count, returning=ReturnMethod.representation, on_conflict=key)
        return _select(query, self._key_as_text)

    def _count(self, taken: int | None, sent: int) -> None:
        if taken is None:
            text = f"the server did not say how many of {sent:,} rows it took"
            raise DriverError(
                f"Supabase write to {self._target.name} failed: {text}: what stands before it drops Content-Range; "
                f"they may have been written or not; {self._rows_remain_note()}"
            )
        self._written += taken
        self._ctx.progress(self._written)
        if taken != sent:
            text = (
                f"the server took {taken:,} of {sent:,} rows (a trigger, rule or policy holds back the rest)"
            )
            raise DriverError(
                f"Supabase write to {self._target.name} failed: {text}; {self._rows_remain_note()}"
            )

    # --- what is stale

    def _delete_stale_rows(self) -> None:
        self._is_removing = True
        stale = [row for row in self._rows_there() if _identity(row, self._target.key) not in self._kept]
        for some in _in_filters(stale, self._target.key):
            self._session.run(self._table.delete(returning=ReturnMethod.minimal).or_(some))
        there = self._session.run(self._table.select("*", count=CountMethod.exact, head=True)).count
        if there is not None and there != len(self._kept):
            text = f"it holds {there:,} rows and should hold {len(self._kept):,}: somebody else writes to it"
            raise DriverError(
                f"Supabase replace of {self._target.name} failed: {text}, or a policy keeps rows"
            )

    def _rows_there(self) -> Iterator[dict[str, Any]]:
        """The key of every row; a server gives a page at most, however much is asked for."""
        seen = 0
        while True:
            query = _select(self._table.select(), self._key_as_text).limit(_PAGE).offset(seen)
            for name in self._target.key:
                query = query.order(_quoted(name))
            page = _rows_of(self._session.run(query))
            if not page:
                return
            seen += len(page)
            yield from page

    # --- what went wrong

    def _failed(self, error: RequestRejected | ResponseLost | Unreachable) -> str:
        if isinstance(error, Unreachable):
            return f"Supabase connection failed: {error}; {self._rows_remain_note()}"
        text = f"Supabase write to {self._target.name} failed: "
        if isinstance(error, ResponseLost):
            text += f"{error}; the batch after row {self._written:,} may have been written or not"
            return (
                f"{text}, so it was not sent again; upsert can be tried again"
                if self._target.mode == "append"
                else text
            )
        if error.is_missing_table:
            made = (
                "set create_if_missing: true"
                if self._target.create_if_missing is False
                else "it can be made only over SQL"
            )
            text += f"table {self._target.name} does not exist; {made}, with pg_dsn in the connection"
            return text
        return f"{text}{error}; {self._rows_remain_note()}"

    def _rows_remain_note(self) -> str:
        if self._is_removing:
            rows = f"all {self._written:,} rows are written" if self._written else "there was no row to write"
            return f"{rows}, and of the rows that should go some may still be there; it can be run again"
        if not self._written:
            return "nothing was written"
        return f"{self._written:,} of {self._total:,} rows were written before and stay"


def _deduplicate(table: pa.Table, target: WriteTarget) -> pa.Table:
    """The rows, each with a key of its own.

    Raises:
        DriverError: a key is missing or stands twice.
    """
    missing = [name for name in target.key if name not in table.column_names]
    if missing:
        there = ", ".join(table.column_names)
        raise DriverError(
            f"the frame has no column {', '.join(map(repr, missing))} of primary_key; it has {there}"
        )
    keys = table.select(list(target.key))
    nulls = max(column.null_count for column in keys.columns) if table.num_rows else 0
    if nulls:
        raise DriverError(f"{nulls:,} rows have nothing in ({', '.join(target.key)}), so they have no key")
    placed = keys.append_column("osiris_place", pa.array(range(table.num_rows), pa.int64()))
    groups = placed.group_by(list(target.key)).aggregate([("osiris_place", "max"), ("osiris_place", "count")])
    if groups.num_rows == table.num_rows:
        return table
    if target.keep_last_duplicate:
        return table.take(groups["osiris_place_max"].combine_chunks().sort())
    double = groups.filter(pc.greater(groups["osiris_place_count"], 1)).slice(0, 1).to_pylist()[0]
    shown = ", ".join(f"{name}={double[name]}" for name in target.key)
    text = f"{double['osiris_place_count']} rows of the input have one key ({shown})"
    raise DriverError(f"{text}; make them one row before, or set on_duplicate_keys: last")


def _identity(row: Mapping[str, Any], key: tuple[str, ...]) -> bytes:
    return orjson.dumps([row[name] for name in key])


def _in_filters(rows: list[dict[str, Any]], key: tuple[str, ...]) -> Iterator[str]:
    """The rows as filters, each short enough for an address."""
    held: list[str] = []
    for row in rows:
        one = ",".join(f"{_quoted(name)}.eq.{_quoted(row[name])}" for name in key)
        held.append(f"and({one})" if len(key) > 1 else one)
        if sum(map(len, held)) > _LONGEST_FILTER:
            yield ",".join(held)
            held = []
    if held:
        yield ",".join(held)


def _select(query: SyncSelectRequestBuilder, columns: Iterable[str]) -> SyncSelectRequestBuilder:
    """The request with these columns in its answer, as they are: the library takes blanks out of some quoted names."""
    query.request.params = query.request.params.set("select", ",".join(columns))
    return query


def _rows_of(answer: APIResponse) -> list[dict[str, Any]]:
    rows: list[Any] = list(answer.data)
    return rows


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

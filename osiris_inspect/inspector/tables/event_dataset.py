"""The events of a long log as an Arrow dataset that decodes only the lines a query needs.

DuckDB passes the columns and the filter of a query to the dataset. Lines, event names and steps come from the index, times
almost so; only lines that may match the filter are decoded. Every value equals that of the table of a short log.

Source: Lance also implements the scan of an Arrow dataset itself.
"""

import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from pyarrow import dataset

from osiris_inspect.inspector.event_log.columns.arrow_buffers import number_column, numbers
from osiris_inspect.inspector.event_log.columns.column_store import ColumnStore
from osiris_inspect.inspector.event_log.index.large_log import LargeLog
from osiris_inspect.inspector.event_log.index.line_index import NO_TIMESTAMP
from osiris_inspect.inspector.event_log.index.name_codes import NameTable
from osiris_inspect.inspector.event_log.index.scanner import NO_EVENT
from osiris_inspect.inspector.event_log.index.vectorized import IntArray, Numbers
from osiris_inspect.inspector.tables import table_rows
from osiris_inspect.inspector.tables.event_columns import COLUMNS, MIN_LINES, column_cells, field_cells, merge
from osiris_inspect.inspector.tables.table_rows import ProgressCallback
from osiris_inspect.model.event import Event, canonical

SCHEMA: Final = table_rows.schema("events")
_BATCH_LINES: Final = 1 << 16
_DECODED_BATCH_LINES: Final = 1 << 12
_NULL_TEST = re.compile(r"is_(?:valid|null)\((\w+)")
_TIME_PREFIXES: Final = (b'{"ts":"', b'{"ts": "')
_PREFIX_BYTES: Final = 40
"""Bytes at the start of a line that contain its time."""


class QueryCancelled(Exception):
    """The query was cancelled."""


class EventDataset(dataset.Dataset):  # type: ignore[misc]  # pyarrow ships no types
    """The dataset; its rows are read again for every query."""

    def __init__(
        self, log: LargeLog, on_progress: ProgressCallback, field_names: Callable[[], Sequence[str] | None]
    ) -> None:
        """``field_names`` returns the fields that the query reads; None for all."""
        self._log, self._on_progress, self._field_names = log, on_progress, field_names

    @property
    def schema(self) -> pa.Schema:
        """Return the columns."""
        return SCHEMA

    def scanner(
        self,
        columns: Sequence[str] | None = None,
        filter: Any = None,  # noqa: A002  Arrow's name
        **_settings: Any,
    ) -> "_Scanner":
        """Return a scanner of the matching rows and the requested columns."""
        names = tuple(columns or SCHEMA.names)
        return _Scanner(_Rows(self._log, self._on_progress, names, filter, self._field_names()))


class _Scanner:
    """The used part of an Arrow scanner."""

    def __init__(self, rows: "_Rows") -> None:
        self._rows = rows

    def to_reader(self) -> pa.RecordBatchReader:
        """Return the rows in batches, decoded when they are read."""
        rows = self._rows
        return pa.RecordBatchReader.from_batches(_schema_of(rows.columns), rows.batches())


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of one query.

    Attributes:
        row_filter: an Arrow expression; None for all rows.
        field_names: the members of the column ``fields`` that are read; None for all.
    """

    log: LargeLog
    on_progress: ProgressCallback
    columns: tuple[str, ...]
    row_filter: Any
    field_names: Sequence[str] | None

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows in the order of the log.

        Raises:
            QueryCancelled: the query was cancelled.
        """
        named = _referenced_columns(self.row_filter)
        needed = {*self.columns, *named}
        known = {*_indexed(self.log), "ts"}
        store = ColumnStore(self.log.descriptor, self.log.line_index, self.log.cache)
        in_columns = COLUMNS | {"fields"} if self.field_names is not None else COLUMNS
        uses_columns = needed <= {*known, *in_columns} and self._has_many_lines(named)
        is_decoded = not (needed <= known or uses_columns)
        step = _DECODED_BATCH_LINES if is_decoded or "ts" in needed else _BATCH_LINES
        damaged = deque(self.log.damaged_events.items())
        try:
            for lines in self._lines():
                candidates = self._may_match(lines, named)
                for batch in _split(candidates, step, [line for line, _ in damaged]):
                    self._report_progress(int(batch[0]))
                    while damaged and damaged[0][0] < batch[0]:
                        yield self._decoded(damaged.popleft()[1], named)
                    yield (
                        self._decoded(list(self.log.events(batch)), named)
                        if is_decoded
                        else self._rows_without_events(batch, named, store)
                    )
        finally:
            store.close()
        for _, events in damaged:
            yield self._decoded(events, named)

    def _has_many_lines(self, named: set[str]) -> bool:
        """Return True if reading a column takes less time than decoding the lines that may match."""
        count = 0
        for lines in self._lines():
            count += len(self._may_match(lines, named))
            if count > MIN_LINES:
                return True
        return False

    def _report_progress(self, line: int) -> None:
        if not self.on_progress(line, len(self.log.line_index)):
            raise QueryCancelled("stopped")

    def _lines(self) -> Iterator[Numbers]:
        kinds = self.log.line_index.event_codes
        for begin in range(0, len(kinds), _BATCH_LINES):
            self._report_progress(begin)
            yield np.flatnonzero(kinds[begin : begin + _BATCH_LINES] != NO_EVENT) + begin

    def _may_match(self, lines: Numbers, named: set[str]) -> Numbers:
        """Return the lines that may match the filter, judged by the index.

        Columns outside of the index count as null; a comparison with null is null, and the line stays. If the filter tests
        such a column for null, every line may match.
        """
        known = named & set(_indexed(self.log))
        if not known or set(_NULL_TEST.findall(str(self.row_filter))) - known:
            return lines
        values = {name: _from_index(self.log, name, lines) for name in known}
        values |= {name: pa.nulls(len(lines), SCHEMA.field(name).type) for name in named - known}
        return lines[_matching_rows(values, self.row_filter | self.row_filter.is_null())]

    def _decoded(self, events: Sequence[Event], named: set[str]) -> pa.RecordBatch:
        """Return the matching rows of decoded events."""
        if self.row_filter is not None:
            values = {name: table_rows.event_column(name, events) for name in named}
            events = [events[row] for row in _matching_rows(values, self.row_filter).tolist()]
        return self._batch([table_rows.event_column(name, events) for name in self.columns])

    def _rows_without_events(self, lines: Numbers, named: set[str], store: ColumnStore) -> pa.RecordBatch:
        """Return the matching rows of lines whose cells are known from the index and from columns."""
        cells = {name: self._cells(name, lines, store) for name in named}
        if self.row_filter is not None:
            rows = _matching_rows(cells, self.row_filter)
            lines, cells = (
                lines[rows],
                {name: column.take(number_column(rows)) for name, column in cells.items()},
            )
        return self._batch(
            [cells[name] if name in cells else self._cells(name, lines, store) for name in self.columns]
        )

    def _cells(self, name: str, lines: Numbers, store: ColumnStore) -> pa.Array:
        if name == "fields" and self.field_names is not None and len(lines):
            return field_cells(self.log, store, self.field_names, lines)
        if name in COLUMNS and len(lines):
            return column_cells(self.log, store, name, lines)
        return _without_decoding(self.log, name, lines)

    def _batch(self, cells: Sequence[pa.Array]) -> pa.RecordBatch:
        return pa.RecordBatch.from_arrays(list(cells), schema=_schema_of(self.columns))


def _matching_rows(values: Mapping[str, pa.Array], row_filter: Any) -> Numbers:
    """Return the numbers of the rows that match a filter."""
    count = len(next(iter(values.values())))
    table = pa.table({**values, "row": number_column(np.arange(count))})
    return numbers(table.filter(row_filter).column("row").combine_chunks())


def _schema_of(columns: Sequence[str]) -> pa.Schema:
    return pa.schema([SCHEMA.field(name) for name in columns])


def _referenced_columns(row_filter: Any) -> set[str]:
    """Return the columns of a filter; without one of them it fails."""
    named = set()
    for name in SCHEMA.names if row_filter is not None else ():
        try:
            SCHEMA.empty_table().drop_columns([name]).filter(row_filter)
        except pa.ArrowInvalid:
            named.add(name)
    return named


def _indexed(log: LargeLog) -> list[str]:
    """Return the columns of the index; one with more names than codes is decoded instead."""
    names = log.line_index.scanner
    return [
        "line",
        *(["event"] if not names.event_names.is_full else []),
        *(["step"] if not names.steps.is_full else []),
    ]


def _without_decoding(log: LargeLog, column: str, lines: Numbers) -> pa.Array:
    if not len(lines):
        return pa.nulls(0, SCHEMA.field(column).type)
    return _times(log, lines) if column == "ts" else _from_index(log, column, lines)


def _from_index(log: LargeLog, column: str, lines: Numbers) -> pa.Array:
    index = log.line_index
    if column == "line":
        return number_column(lines + 1)
    if column == "event":
        return _texts(index.scanner.event_names, index.event_codes[lines])
    return _texts(index.scanner.steps, index.steps[lines])


def _texts(names: NameTable, codes: IntArray) -> pa.Array:
    texts = [None, *(table_rows.as_cell(canonical(text)) for text in names.texts)]
    return pa.array(texts, pa.string()).take(number_column(codes.astype(np.int64)))


def _split(lines: Numbers, size: int, before: Sequence[int]) -> Iterator[Numbers]:
    """Yield lines in parts of at most ``size``; a part ends before each of some other lines."""
    for part in np.split(lines, np.searchsorted(lines, before)):
        for begin in range(0, len(part), size):
            yield part[begin : begin + size]


def _times(log: LargeLog, lines: Numbers) -> pa.Array:
    """Return the times of lines: milliseconds from the index, three more digits from the line.

    A line that does not begin with a time of six decimal digits is decoded.
    """
    index = log.line_index
    heads = b"".join(raw[:_PREFIX_BYTES].ljust(_PREFIX_BYTES) for _, raw in log.raw_lines(lines))
    table = np.frombuffer(heads, np.uint8).reshape(-1, _PREFIX_BYTES)
    known = index.times[lines].astype(np.int64)
    times = known + (index.base or 0)
    micros, is_sure = np.zeros(len(lines), np.int64), np.zeros(len(lines), bool)
    for head in _TIME_PREFIXES:
        begin = len(head) + len("2026-01-31T10:00:00.")
        digits = table[:, begin : begin + 6].astype(np.int64) - ord("0")
        after = table[:, begin + 6]
        fits = (table[:, : len(head)] == np.frombuffer(head, np.uint8)).all(axis=1) & (known != NO_TIMESTAMP)
        fits &= ((digits >= 0) & (digits <= 9)).all(axis=1) & ((after < ord("0")) | (after > ord("9")))
        fits &= digits[:, :3] @ np.array([100, 10, 1]) == times % 1000
        micros = np.where(fits, times * 1000 + digits[:, 3:] @ np.array([100, 10, 1]), micros)
        is_sure |= fits
    fast = number_column(micros).cast(SCHEMA.field("ts").type)
    if is_sure.all():
        return fast
    slow = table_rows.event_column("ts", list(log.events(lines[~is_sure])))
    return merge(fast, slow, is_sure)

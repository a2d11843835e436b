"""The events of a long log as a table that is decoded no further than a query asks.

DuckDB hands the columns and the comparisons of a query to whoever holds the rows. Lines, events and steps stand in the
index, times nearly so; of what is left only the lines that the comparisons may keep are decoded. Every value is the one
that the table of a short log holds. This room loads pyarrow; nothing imports it before a long log is asked in SQL.

Source: that a dataset of Arrow may answer a scan by itself is Lance's idea.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from pyarrow import dataset

from osiris_inspect.inspector.event_log.index.large_log import LargeLog
from osiris_inspect.inspector.event_log.index.line_index import NO_TIMESTAMP
from osiris_inspect.inspector.event_log.index.name_codes import NameTable
from osiris_inspect.inspector.event_log.index.scanner import NO_EVENT
from osiris_inspect.inspector.event_log.index.vectorized import IntArray, Numbers
from osiris_inspect.inspector.tables import table_rows as run_rows
from osiris_inspect.inspector.tables.table_rows import ProgressCallback
from osiris_inspect.model.event import Event, canonical

SCHEMA: Final = run_rows.schema("events")
_AT_ONCE: Final = 1 << 16
_DECODED_AT_ONCE: Final = 1 << 12
_ABSENCE = re.compile(r"is_(?:valid|null)\((\w+)")
_HEADS: Final = (b'{"ts":"', b'{"ts": "')
_TIME: Final = 40
"""Bytes in which the time of a line stands that begins with it."""


class QueryCancelled(Exception):
    """Nobody wants the rows any more."""


class EventDataset(dataset.Dataset):  # type: ignore[misc]  # pyarrow ships no types
    """The table. Its rows are made anew for every query."""

    def __init__(self, log: LargeLog, on_progress: ProgressCallback) -> None:
        self._log, self._told = log, on_progress

    @property
    def schema(self) -> pa.Schema:
        """The columns, in their order."""
        return SCHEMA

    def scanner(
        self,
        columns: Sequence[str] | None = None,
        filter: Any = None,  # noqa: A002  Arrow's name
        **_settings: Any,
    ) -> "_Scanner":
        """The rows that a filter keeps, with some of the columns."""
        return _Scanner(_Rows(self._log, self._told, tuple(columns or SCHEMA.names), filter))


class _Scanner:
    """What Arrow calls a scanner."""

    def __init__(self, rows: "_Rows") -> None:
        self._rows = rows

    def to_reader(self) -> pa.RecordBatchReader:
        """The rows, some at once, made when they are asked for."""
        rows = self._rows
        return pa.RecordBatchReader.from_batches(_part_of_schema(rows.columns), rows.batches())


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of one query.

    Attributes:
        wanted: what Arrow calls a filter; None where every row is wanted.
    """

    log: LargeLog
    on_progress: ProgressCallback
    columns: tuple[str, ...]
    wanted: Any

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows in the order of the log.

        Raises:
            Stopped: nobody wants them any more.
        """
        named = _referenced_columns(self.wanted)
        asked = {*self.columns, *named}
        is_decoded = not asked <= {*_indexed(self.log), "ts"}
        step = _DECODED_AT_ONCE if is_decoded or "ts" in asked else _AT_ONCE
        for lines in self._lines():
            kept = self._may_be_wanted(lines, named)
            for begin in range(0, len(kept), step):
                self._go_on(int(kept[begin]))
                part = kept[begin : begin + step]
                yield (
                    self._decoded(list(self.log.events(part)), named)
                    if is_decoded
                    else self._rows_from_index(part, named)
                )
        if (rest := _rest(self.log)) is not None:
            yield self._decoded([rest], named)

    def _go_on(self, line: int) -> None:
        if not self.on_progress(line, len(self.log.line_index)):
            raise QueryCancelled("stopped")

    def _lines(self) -> Iterator[Numbers]:
        kinds = self.log.line_index.event_codes
        for begin in range(0, len(kinds), _AT_ONCE):
            self._go_on(begin)
            yield np.flatnonzero(kinds[begin : begin + _AT_ONCE] != NO_EVENT) + begin

    def _may_be_wanted(self, lines: Numbers, named: set[str]) -> Numbers:
        """The lines that the index cannot tell to be unwanted.

        What it does not know counts as null, and a comparison with null is null: kept. A question for null itself would
        be answered wrongly by that, so then every line may be wanted.
        """
        known = named & set(_indexed(self.log))
        if not known or set(_ABSENCE.findall(str(self.wanted))) - known:
            return lines
        values = {name: _from_index(self.log, name, lines) for name in known}
        values |= {name: pa.nulls(len(lines), SCHEMA.field(name).type) for name in named - known}
        return lines[_places(values, self.wanted | self.wanted.is_null())]

    def _decoded(self, events: Sequence[Event], named: set[str]) -> pa.RecordBatch:
        """The rows of decoded events."""
        if self.wanted is not None:
            values = {name: run_rows.event_column(name, events) for name in named}
            events = [events[place] for place in _places(values, self.wanted).tolist()]
        return self._batch([run_rows.event_column(name, events) for name in self.columns])

    def _rows_from_index(self, lines: Numbers, named: set[str]) -> pa.RecordBatch:
        """The rows of lines that need not be decoded."""
        if self.wanted is not None:
            lines = lines[
                _places({name: _without_decoding(self.log, name, lines) for name in named}, self.wanted)
            ]
        return self._batch([_without_decoding(self.log, name, lines) for name in self.columns])

    def _batch(self, cells: Sequence[pa.Array]) -> pa.RecordBatch:
        return pa.RecordBatch.from_arrays(list(cells), schema=_part_of_schema(self.columns))


def _places(values: Mapping[str, pa.Array], wanted: Any) -> Numbers:
    """The places of the rows that a filter keeps."""
    count = len(next(iter(values.values())))
    kept = pa.table({**values, "place": pa.array(np.arange(count))}).filter(wanted)
    places: Numbers = kept.column("place").to_numpy()
    return places


def _part_of_schema(columns: Sequence[str]) -> pa.Schema:
    return pa.schema([SCHEMA.field(name) for name in columns])


def _referenced_columns(wanted: Any) -> set[str]:
    """The columns that a filter speaks of: without one of them it cannot be asked."""
    named = set()
    for name in SCHEMA.names if wanted is not None else ():
        try:
            SCHEMA.empty_table().drop_columns([name]).filter(wanted)
        except pa.ArrowInvalid:
            named.add(name)
    return named


def _indexed(log: LargeLog) -> list[str]:
    """The columns that the index holds; one with more names than it has codes for is decoded."""
    names = log.line_index.scanner
    return [
        "line",
        *(["event"] if not names.event_names.is_full else []),
        *(["step"] if not names.steps.is_full else []),
    ]


def _without_decoding(log: LargeLog, column: str, lines: Numbers) -> pa.Array:
    return _times(log, lines) if column == "ts" else _from_index(log, column, lines)


def _from_index(log: LargeLog, column: str, lines: Numbers) -> pa.Array:
    index = log.line_index
    if column == "line":
        return pa.array(lines + 1)
    if column == "event":
        return _texts(index.scanner.event_names, index.event_codes[lines])
    return _texts(index.scanner.steps, index.steps[lines])


def _texts(names: NameTable, codes: IntArray) -> pa.Array:
    texts = [None, *(run_rows.as_cell(canonical(text)) for text in names.texts)]
    return pa.array(texts, pa.string()).take(pa.array(codes))


def _rest(log: LargeLog) -> Event | None:
    """What stands behind the last newline, where it is an event: it is in no index."""
    last = log[-1] if len(log) else None
    return last if last is not None and last.line == len(log.line_index) + 1 else None


def _times(log: LargeLog, lines: Numbers) -> pa.Array:
    """The times of lines: the index knows the millisecond, the line itself three digits more.

    A line that does not begin with a time of six digits after the second is decoded.
    """
    index = log.line_index
    heads = b"".join(raw[:_TIME].ljust(_TIME) for _, raw in log.raw_lines(lines))
    table = np.frombuffer(heads, np.uint8).reshape(-1, _TIME)
    known = index.times[lines].astype(np.int64)
    times = known + (index.base or 0)
    micros, is_sure = np.zeros(len(lines), np.int64), np.zeros(len(lines), bool)
    for head in _HEADS:
        begin = len(head) + len("2026-01-31T10:00:00.")
        digits = table[:, begin : begin + 6].astype(np.int64) - ord("0")
        after = table[:, begin + 6]
        fits = (table[:, : len(head)] == np.frombuffer(head, np.uint8)).all(axis=1) & (known != NO_TIMESTAMP)
        fits &= ((digits >= 0) & (digits <= 9)).all(axis=1) & ((after < ord("0")) | (after > ord("9")))
        fits &= digits[:, :3] @ np.array([100, 10, 1]) == times % 1000
        micros = np.where(fits, times * 1000 + digits[:, 3:] @ np.array([100, 10, 1]), micros)
        is_sure |= fits
    told = pa.array(micros).cast(SCHEMA.field("ts").type)
    if is_sure.all():
        return told
    slow = run_rows.event_column("ts", list(log.events(lines[~is_sure])))
    return _merge(told, slow, is_sure)


def _merge(quick: pa.Array, slow: pa.Array, is_quick: IntArray) -> pa.Array:
    """Values that were found in two ways, each in its place."""
    places = np.where(is_quick, np.arange(len(quick)), len(quick) + np.cumsum(~is_quick) - 1)
    return pa.concat_arrays([quick, slow]).take(pa.array(places))

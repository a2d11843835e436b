"""Events as rows of a list, and that list: it finds a line or a moment without reading all the others."""

from bisect import bisect_left
from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, overload

from textual.content import Content

from osiris_inspect.inspector.event_log.filter.filter import EventFilter
from osiris_inspect.inspector.text import units as figures
from osiris_inspect.inspector.text.event_fields import safe_keys
from osiris_inspect.inspector.text.sanitize import inline_json, key_value, show_line
from osiris_inspect.model.errors import InvalidLine
from osiris_inspect.model.event import Event, decode
from osiris_inspect.tui.drawing.symbols import MUTED
from osiris_inspect.tui.widgets.goto import JumpTarget, target_time
from osiris_inspect.tui.widgets.line_list import LineList
from osiris_inspect.tui.widgets.list_rows import Row, SearchBatch

if TYPE_CHECKING:
    from osiris_inspect.inspector.event_log.index.large_log import LargeLog

_FIELDS_SHOWN = 12
_CHUNK = 1_000
"""Rows that are looked at together, so few that whoever waits for the interpreter gets it soon."""
_WARNING = ("warning", "warn")
_WARNING_SUFFIXES = ("_skipped", "_refused", "_lost", "_missing", "_downgraded", "warning", "_left")


class EventRow:
    """An event as a row; pictured only when it is looked at."""

    __slots__ = ("_event", "_start", "_step_width")

    def __init__(self, event: Event, start: float | None, step_width: int) -> None:
        self._event = event
        self._start = start
        self._step_width = step_width

    @property
    def key(self) -> Hashable:
        """Its file and line."""
        return self._event.file, self._event.line

    @property
    def event(self) -> Event:
        """The event."""
        return self._event

    @property
    def fields(self) -> Mapping[str, object]:
        """Its fields, and ``event``, ``step``, ``side``, ``line``."""
        event = self._event
        return {
            **event.fields,
            "event": event.name,
            "step": event.step,
            "side": event.side,
            "line": event.line,
            "ts": event.ts,
        }

    @property
    def text(self) -> str:
        """Name, step and fields."""
        event = self._event
        return f"{show_line(event.name, 80)} {show_line(event.step or '', 80)} {_format_fields(event)}"

    @property
    def is_failure(self) -> bool:
        """Whether it says that something failed."""
        return self._event.is_failure

    @property
    def is_warning(self) -> bool:
        """Whether it says that something may be wrong."""
        return is_warning(self._event)

    @property
    def content(self) -> Content:
        """Line, time since the run began, step, name and fields on one line."""
        event = self._event
        since = event.ts - self._start if event.ts is not None and self._start is not None else None
        sign, tone = _symbol(event)
        step = Content.styled(show_line(event.step or "", 80), "bold")
        return Content.assemble(
            (sign, tone),
            (f"{event.line:>5} {figures.format_elapsed(since):>8}  ", MUTED),
            step.truncate(self._step_width, ellipsis=True, pad=True),
            "  ",
            (show_line(event.name, 80), tone),
            "  ",
            _format_fields(event),
        )


class EventRows(Sequence[Row]):
    """The events of a run as rows, made when asked for."""

    def __init__(self, events: Sequence[Event], start: float | None, step_width: int) -> None:
        self.events = events
        self.start = start
        self._step_width = step_width

    def __len__(self) -> int:
        return len(self.events)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        if isinstance(index, slice):
            return EventRows(self.events[index], self.start, self._step_width)
        return EventRow(self.events[index], self.start, self._step_width)

    def search(self, wanted: EventFilter) -> Iterator[SearchBatch]:
        """The events that a query keeps; of a long log only those are decoded that it may keep."""
        log = large_log(self.events)
        if log is not None:
            yield from _in_log(log, wanted)
            return
        for begin in range(0, len(self.events), _CHUNK):
            chunk = range(begin, min(begin + _CHUNK, len(self.events)))
            kept = [number for number in chunk if wanted.matches(self.events[number])]
            yield SearchBatch(kept, chunk.stop / len(self.events))

    def row_at_line(self, line: int) -> int:
        """The number of the event in a line of the log, or of the next one."""
        log = large_log(self.events)
        return (
            log.event_number_at_line(line)
            if log
            else bisect_left(self.events, line, key=lambda event: event.line)
        )

    def row_at_time(self, at: float) -> int:
        """The number of the first event at a moment or after it. Lines without a time count as the line before them."""
        low, high = 0, len(self.events)
        while low < high:
            middle = (low + high) // 2
            earlier = (self.events[number].ts for number in range(middle, max(low, middle - 50) - 1, -1))
            ts = next((ts for ts in earlier if ts is not None), None)
            low, high = (middle + 1, high) if ts is None or ts < at else (low, middle)
        return low


class EventList(LineList):
    """The list of the events of a run."""

    def go_to(self, place: JumpTarget) -> str | None:
        """Go to a line of the log, a share of it, or a moment of the run."""
        rows = self.sheet.rows
        if not isinstance(rows, EventRows) or place.kind == "share":
            return super().go_to(place)
        if place.kind == "line":
            self.go_to_row(rows.row_at_line(int(place.value)))
            return None
        if rows.start is None:
            return "the events carry no time"
        self.go_to_row(rows.row_at_time(target_time(place, rows.start)))
        return None

    def is_kept(self, active_filter: EventFilter, row: Row) -> bool:
        """Whether a query keeps an event, as the command ``events`` would."""
        return (
            active_filter.matches(row.event)
            if isinstance(row, EventRow)
            else super().is_kept(active_filter, row)
        )

    def action_failure(self, by: int) -> None:
        """Go to the next event that tells of a failure; of an indexed log without looking through it."""
        rows, row = self.sheet.rows, self.row
        log = large_log(rows.events) if isinstance(rows, EventRows) and self.visible_rows is None else None
        if log is None or not isinstance(row, EventRow):
            super().action_failure(by)
            return
        line = row.event.line - 1
        index = log.line_index
        found = index.next_failure(line) if by > 0 else index.previous_failure(line)
        if found is None and len(index.failure_lines):  # round the end
            found = int(index.failure_lines[0 if by > 0 else -1])
        if found is None:
            self.notify("no failure here", markup=False)
        else:
            self.cursor = log.event_number_at_line(found + 1)


def _in_log(log: "LargeLog", wanted: EventFilter) -> Iterator[SearchBatch]:
    """Only lines are decoded that may be kept."""
    from osiris_inspect.inspector.event_log.search.search import candidate_lines

    for lines, share in candidate_lines(log, wanted):
        yield SearchBatch(
            [log.event_number_at_line(line + 1) for line, raw in lines if _matches(wanted, raw)], share
        )


def _matches(wanted: EventFilter, raw: bytes) -> bool:
    try:
        return wanted.matches(decode(raw))
    except InvalidLine:
        return False  # its bytes looked like an event; that it is none is said under Log


def large_log(events: Sequence[Event]) -> "LargeLog | None":
    """The log with its index where the events are one that is too long to be decoded as a whole."""
    if isinstance(events, tuple | list):
        return None  # and so neither numpy nor the index are loaded for a run of the usual size
    from osiris_inspect.inspector.event_log.index.large_log import LargeLog

    return events if isinstance(events, LargeLog) else None


def is_warning(event: Event) -> bool:
    """Whether an event says that something may be wrong, but not that it failed."""
    level = event.fields.get("level")
    if isinstance(level, str) and level.lower() in _WARNING:
        return True
    return event.name.endswith(_WARNING_SUFFIXES) and not event.is_failure


def _symbol(event: Event) -> tuple[str, str]:
    if event.is_failure:
        return "✗", "bold $state-bad"
    return ("!", "$state-warn") if is_warning(event) else (" ", "$state-link")


def _format_fields(event: Event) -> str:
    fields = islice(event.fields.items(), _FIELDS_SHOWN)
    open_ = safe_keys(event)
    return show_line(
        " ".join(
            f"{key}={inline_json(value)}" if key in open_ else key_value(key, value) for key, value in fields
        )
    )

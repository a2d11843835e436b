"""List of events that finds a line or a time without reading all events."""

from bisect import bisect_left
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from textual.content import Content

from osiris_inspect.inspector.event_log.filter.filter import EventFilter
from osiris_inspect.inspector.text.event_fields import safe_keys
from osiris_inspect.inspector.text.sanitize import inline_json, key_value, show_line
from osiris_inspect.inspector.text.units import format_elapsed
from osiris_inspect.model.event import Event
from osiris_inspect.tui.drawing.symbols import MUTED
from osiris_inspect.tui.widgets.goto import JumpTarget, target_time
from osiris_inspect.tui.widgets.line_list import LineList
from osiris_inspect.tui.widgets.list_rows import Row, SearchBatch

if TYPE_CHECKING:
    from osiris_inspect.inspector.event_log.index.large_log import LargeLog

_MAX_FIELDS = 12
_CHUNK = 1_000
"""Events searched before other threads get the interpreter lock."""
_WARNING_LEVELS = ("warning", "warn")
_WARNING_SUFFIXES = ("_skipped", "_refused", "_lost", "_missing", "_downgraded", "warning", "_left")


@dataclass(frozen=True, slots=True)
class EventRow:
    """Event as a row; ``start`` is the Unix time of the run's start."""

    event: Event
    start: float | None
    step_width: int

    @property
    def key(self) -> Hashable:
        """File and line of the event."""
        return self.event.file, self.event.line

    @property
    def fields(self) -> Mapping[str, object]:
        """Fields of the event, and ``event``, ``step``, ``side``, ``line``, ``ts``."""
        event = self.event
        own = {
            "event": event.name,
            "step": event.step,
            "side": event.side,
            "line": event.line,
            "ts": event.ts,
        }
        return {**event.fields, **own}

    @property
    def text(self) -> str:
        """Name, step and fields."""
        event = self.event
        return f"{show_line(event.name, 80)} {show_line(event.step or '', 80)} {_format_fields(event)}"

    @property
    def is_failure(self) -> bool:
        """True if the event reports a failure."""
        return self.event.is_failure

    @property
    def is_warning(self) -> bool:
        """True if the event reports a possible problem, but not a failure."""
        level = self.event.fields.get("level")
        if isinstance(level, str) and level.lower() in _WARNING_LEVELS:
            return True
        return self.event.name.endswith(_WARNING_SUFFIXES) and not self.event.is_failure

    @property
    def content(self) -> Content:
        """Line number, time since the start, step, name and fields on one line."""
        event = self.event
        elapsed = event.ts - self.start if event.ts is not None and self.start is not None else None
        sign, style = (" ", "$state-link")
        if event.is_failure:
            sign, style = "✗", "bold $state-bad"
        elif self.is_warning:
            sign, style = "!", "$state-warn"
        step = Content.styled(show_line(event.step or "", 80), "bold")
        return Content.assemble(
            (sign, style),
            (f"{event.line:>5} {format_elapsed(elapsed):>8}  ", MUTED),
            step.truncate(self.step_width, ellipsis=True, pad=True),
            "  ",
            (show_line(event.name, 80), style),
            "  ",
            _format_fields(event),
        )


@dataclass(frozen=True, slots=True, eq=False)
class EventRows:
    """Events of a run as rows, created on access."""

    events: Sequence[Event]
    start: float | None
    step_width: int

    def __len__(self) -> int:
        return len(self.events)

    def __getitem__(self, index: int) -> EventRow:
        return EventRow(self.events[index], self.start, self.step_width)

    def search(self, event_filter: EventFilter) -> Iterator[SearchBatch]:
        """Yield the matching events; of an indexed log only candidates are decoded."""
        log = large_log(self.events)
        if log is not None:
            yield from _search_log(log, event_filter)
            return
        for start in range(0, len(self.events), _CHUNK):
            chunk = range(start, min(start + _CHUNK, len(self.events)))
            matches = [number for number in chunk if event_filter.matches(self.events[number])]
            yield SearchBatch(matches, chunk.stop / len(self.events))

    def row_at_line(self, line: int) -> int:
        """Return the number of the first event at or after a line of the log."""
        log = large_log(self.events)
        if log is not None:
            return log.event_number_at_line(line)
        return bisect_left(self.events, line, key=lambda event: event.line)

    def row_at_time(self, time: float) -> int:
        """Return the number of the first event at or after a time; events without a time count as the one before."""
        low, high = 0, len(self.events)
        while low < high:
            middle = (low + high) // 2
            earlier = (self.events[number].ts for number in range(middle, max(low, middle - 50) - 1, -1))
            ts = next((ts for ts in earlier if ts is not None), None)
            low, high = (middle + 1, high) if ts is None or ts < time else (low, middle)
        return low


class EventList(LineList):
    """List of the events of a run."""

    def go_to(self, target: JumpTarget) -> str | None:
        """Go to a line of the log, a share of it, or a time."""
        rows = self.sheet.rows
        if not isinstance(rows, EventRows) or target.kind == "share":
            return super().go_to(target)
        if target.kind == "line":
            self.go_to_row(rows.row_at_line(int(target.value)))
        elif rows.start is None:
            return "The events have no time"
        else:
            self.go_to_row(rows.row_at_time(target_time(target, rows.start)))
        return None

    def matches(self, event_filter: EventFilter, row: Row) -> bool:
        """Return True if a filter keeps an event, as in the ``events`` command."""
        return (
            event_filter.matches(row.event)
            if isinstance(row, EventRow)
            else super().matches(event_filter, row)
        )

    def action_failure(self, by: int) -> None:
        """Go to the next failure; an indexed log is not searched for it."""
        rows, row = self.sheet.rows, self.row
        log = large_log(rows.events) if isinstance(rows, EventRows) and self.visible_rows is None else None
        if log is None or not isinstance(row, EventRow):
            super().action_failure(by)
            return
        line, index = row.event.line - 1, log.line_index
        match = index.next_failure(line) if by > 0 else index.previous_failure(line)
        if match is None and len(index.failure_lines):  # wrap around
            match = int(index.failure_lines[0 if by > 0 else -1])
        if match is None:
            self.notify("No failure", markup=False)
        else:
            self.cursor = log.event_number_at_line(match + 1)


def _search_log(log: "LargeLog", event_filter: EventFilter) -> Iterator[SearchBatch]:
    from osiris_inspect.inspector.event_log.search.search import candidate_lines, matching_lines

    for lines, progress in candidate_lines(log, event_filter):
        matches = (event for event, _ in matching_lines(lines, event_filter, log.file))
        yield SearchBatch([log.event_number_at_line(event.line) for event in matches], progress)


def large_log(events: Sequence[Event]) -> "LargeLog | None":
    """Return the indexed log if the events are those of a log too long to decode at once."""
    if isinstance(events, tuple | list):
        return None  # avoids loading numpy and the index for a run of the usual size
    from osiris_inspect.inspector.event_log.index.large_log import LargeLog

    return events if isinstance(events, LargeLog) else None


def _format_fields(event: Event) -> str:
    unmasked = safe_keys(event)
    fields = (
        f"{key}={inline_json(value)}" if key in unmasked else key_value(key, value)
        for key, value in islice(event.fields.items(), _MAX_FIELDS)
    )
    return show_line(" ".join(fields))

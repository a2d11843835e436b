"""Events: every line of the log in its order, and one of them in full."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import islice
from typing import overload

from textual.content import Content

from osiris_inspect.inspector.report import Report
from osiris_inspect.model.event import Event
from osiris_inspect.tui import figures, inert, marks
from osiris_inspect.tui.marks import MUTED
from osiris_inspect.tui.panes.split import Split
from osiris_inspect.tui.panes.step_detail import title
from osiris_inspect.tui.rows import Layout, Row, Sheet

_FIELDS_SHOWN = 12


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
        }

    @property
    def text(self) -> str:
        """Name, step and fields."""
        event = self._event
        return f"{inert.line(event.name, 80)} {inert.line(event.step or '', 80)} {_pairs(event)}"

    @property
    def is_failure(self) -> bool:
        """Whether it says that something failed."""
        return is_failure(self._event)

    @property
    def content(self) -> Content:
        """Line, time since the run began, step, name and fields on one line."""
        event = self._event
        since = event.ts - self._start if event.ts is not None and self._start is not None else None
        tone = "bold $state-bad" if self.is_failure else "$state-link"
        step = Content.styled(inert.line(event.step or "", 80), "bold")
        return Content.assemble(
            ("✗" if self.is_failure else " ", tone),
            (f"{event.line:>5} {figures.elapsed(since):>8}  ", MUTED),
            step.truncate(self._step_width, ellipsis=True, pad=True),
            "  ",
            (inert.line(event.name, 80), tone),
            "  ",
            _pairs(event),
        )


class EventRows(Sequence[Row]):
    """The events of a run as rows, made when asked for."""

    def __init__(self, events: Sequence[Event], start: float | None, step_width: int) -> None:
        self._events = events
        self._start = start
        self._step_width = step_width

    def __len__(self) -> int:
        return len(self._events)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        if isinstance(index, slice):
            return EventRows(self._events[index], self._start, self._step_width)
        return EventRow(self._events[index], self._start, self._step_width)


def is_failure(event: Event) -> bool:
    """Whether an event says that something failed."""
    return event.error is not None or event.name.endswith(("_failed", "_error", "input_not_found"))


class Events(Split):
    """The events of the run."""

    def layout_of(self, report: Report) -> Layout:
        """A line an event."""
        run = report.run
        longest = max((len(step.id) for step in run.steps), default=0)
        start = (
            run.started
            if run.started is not None
            else next((e.ts for e in run.events if e.ts is not None), None)
        )

        def sheet(width: int) -> Sheet:
            return Sheet(EventRows(run.events, start, min(longest, max(8, width // 5))))

        return sheet

    def details(self, report: Report, row: Row) -> Sequence[Content]:
        """The event in full, and what was found by it."""
        return list(_describe(report, row.event)) if isinstance(row, EventRow) else []


def _pairs(event: Event) -> str:
    fields = islice(event.fields.items(), _FIELDS_SHOWN)
    return inert.line(" ".join(inert.field(key, value) for key, value in fields))


def _describe(report: Report, event: Event) -> Iterator[Content]:
    yield Content.assemble(
        (inert.line(event.name, 120), "bold"), "  ", (f"{inert.line(event.file, 120)}:{event.line}", MUTED)
    )
    facts = [
        figures.time_of_day(event.ts),
        *([inert.line(event.step, 120)] if event.step else []),
        *([event.side] if event.side else []),
        *([f"seq {event.seq}"] if event.seq is not None else []),
        *([f"written as {inert.line(event.original, 80)}"] if event.original not in ("", event.name) else []),
    ]
    yield Content.styled(" · ".join(facts), MUTED)
    if event.error:
        yield Content("")
        yield from (Content.styled(line, "$state-bad") for line in inert.lines(event.error, 4_000))
    if event.traceback:
        yield Content("")
        yield title("traceback")
        yield from (Content(line) for line in inert.lines(event.traceback))
    yield Content("")
    yield from _json(event)
    yield from _proves(report, event)


def _proves(report: Report, event: Event) -> Iterator[Content]:
    """The findings that this line is evidence of."""
    place = (event.file, event.line)
    found = [
        f for f in report.findings if place in {(evidence.file, evidence.line) for evidence in f.evidence}
    ]
    if found:
        yield Content("")
        yield title("evidence of")
    for finding in found:
        mark = marks.SEVERITY[finding.severity]
        yield Content.assemble((f"  {mark.sign} ", mark.style), inert.line(finding.message, 400))


def _json(event: Event) -> Iterator[Content]:
    for line in inert.pretty({key: value for key, value in event.fields.items() if key != "traceback"}):
        name, colon, rest = line.partition('": ')
        styled = Content.assemble((name + '"', marks.IN_MEMORY.style), ": ", rest) if colon else Content(line)
        yield styled

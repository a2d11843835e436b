"""Events: every line of the log in its order, and one of them in full; above them how many there were when."""

from collections.abc import Iterator, Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.text import units as figures
from osiris_inspect.inspector.text.event_fields import safe_keys
from osiris_inspect.inspector.text.sanitize import json_lines, multi_line, show_line
from osiris_inspect.model.event import Event
from osiris_inspect.tui.drawing import sparklines as bars
from osiris_inspect.tui.drawing import symbols as marks
from osiris_inspect.tui.drawing.symbols import MUTED
from osiris_inspect.tui.panes.list_and_detail import ListDetailPane
from osiris_inspect.tui.panes.step_detail import title
from osiris_inspect.tui.widgets.event_list import EventList, EventRow, EventRows, large_log
from osiris_inspect.tui.widgets.line_list import CursorMoved, LineList
from osiris_inspect.tui.widgets.list_rows import Layout, ListContent, Row

TALL = 24
"""Lines of the pane from which on the histogram is shown."""

_MOST_BINNED = 200_000


class Histogram(Static):
    """The events over the time of the run, the failures among them, and where the cursor is."""

    DEFAULT_CSS = "Histogram { height: 2; display: none; padding: 0 0 0 1; text-wrap: nowrap; }"

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._events: Sequence[Event] = ()
        self._slices: tuple[int, float, float, list[int], list[int]] | None = None

    def show_events(self, events: Sequence[Event]) -> None:
        """Show these events."""
        self._events, self._slices = events, None

    def point(self, event: Event | None) -> None:
        """Mark the moment of an event."""
        room = max(1, self.size.width - 2)
        if self._slices is None or self._slices[0] != room:
            self._slices = self._count(room)
        _, start, width, counts, failures = self._slices
        at = int((event.ts - start) / width) if event is not None and event.ts is not None and width else None
        self.update(Content("\n").join(bars.histogram(counts, failures, at, MUTED)))

    def _count(self, room: int) -> tuple[int, float, float, list[int], list[int]]:
        log = large_log(self._events)
        if log is not None:
            slices = log.line_index.timeline(room)
            width = slices[1].start - slices[0].start if len(slices) > 1 else 0.0
            start = slices[0].start if slices else 0.0
            return room, start, width, [s.events for s in slices], [s.failure_lines for s in slices]
        timed = [(e.ts, e.is_failure) for e in self._events[:_MOST_BINNED] if e.ts is not None]
        times = [ts for ts, _ in timed]
        start, end = min(times, default=0.0), max(times, default=0.0)
        width = (end - start) * 1.000001 / room or 1.0
        failed = [ts for ts, failed in timed if failed]
        return (
            room,
            start,
            width,
            bars.bucket_counts(times, start, width, room),
            bars.bucket_counts(failed, start, width, room),
        )


class Events(ListDetailPane):
    """The events of the run."""

    DEFAULT_CSS = """
    Events > .main { width: 3fr; }
    Events .main LineList { width: 1fr; height: 1fr; }
    Events.-tall Histogram { display: block; }
    """

    def compose(self) -> ComposeResult:
        """The histogram over the list, and the details."""
        list_, *details = super().compose()
        with Vertical(classes="main"):
            yield Histogram()
            yield list_
        yield from details

    def create_list(self) -> LineList:
        """A list that knows lines and moments."""
        return EventList()

    @property
    def list(self) -> LineList:
        """The list."""
        return self.query_one(EventList)

    def build_rows(self, report: Report) -> Layout:
        """A line an event."""
        run = report.run
        longest = max((len(step.id) for step in run.steps), default=0)
        first = (event.ts for event in run.key_events if event.ts is not None)
        start = run.started if run.started is not None else next(first, None)
        self.query_one(Histogram).show_events(run.events)
        last = (event.ts for event in reversed(run.key_events) if event.ts is not None)
        self.list.end_time = next(last, run.ended)

        def sheet(width: int) -> ListContent:
            return ListContent(EventRows(run.events, start, min(longest, max(8, width // 5))))

        return sheet

    def select_cause(self, report: Report) -> None:
        """Put the cursor on the line that proves the cause."""
        cause, rows = report.root_cause, self.list.sheet.rows
        if cause is None or not isinstance(rows, EventRows):
            return
        if large_log(rows.events) is None:
            super().select_cause(report)
            return
        proof = next((evidence.line for evidence in cause.evidence if evidence.file == "events.jsonl"), None)
        step = report.run.step(cause.step) if cause.step else None
        failure = step.failure.line if step is not None and step.failure is not None else None
        if proof or failure:
            self.list.cursor = rows.row_at_line(proof or failure or 0)

    def on_resize(self) -> None:
        """Show the histogram where there is room."""
        self.set_class(self.size.height >= TALL, "-tall")
        super().on_resize()

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Show the details of the event, and its moment."""
        super().on_cursor_moved(message)
        if message.lines is self.list and self.has_class("-tall"):
            row = self.list.row
            self.query_one(Histogram).point(row.event if isinstance(row, EventRow) else None)

    def details(self, report: Report, row: Row) -> Sequence[Content]:
        """The event in full, and what was found by it."""
        return list(_describe(report, row.event)) if isinstance(row, EventRow) else []


def _describe(report: Report, event: Event) -> Iterator[Content]:
    yield Content.assemble(
        (show_line(event.name, 120), "bold"), "  ", (f"{show_line(event.file, 120)}:{event.line}", MUTED)
    )
    facts = [
        figures.time_of_day(event.ts),
        *([show_line(event.step, 120)] if event.step else []),
        *([event.side] if event.side else []),
        *([f"seq {event.seq}"] if event.seq is not None else []),
        *(
            [f"written as {show_line(event.original_name, 80)}"]
            if event.original_name not in ("", event.name)
            else []
        ),
    ]
    yield Content.styled(" · ".join(facts), MUTED)
    if event.error:
        yield Content("")
        yield from (Content.styled(line, "$state-bad") for line in multi_line(event.error, 4_000))
    if event.traceback:
        yield Content("")
        yield title("traceback")
        yield from (Content(line) for line in multi_line(event.traceback))
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
        yield Content.assemble((f"  {mark.symbol} ", mark.style), show_line(finding.message, 400))


def _json(event: Event) -> Iterator[Content]:
    fields = {key: value for key, value in event.fields.items() if key != "traceback"}
    for line in json_lines(fields, safe_keys=safe_keys(event)):
        name, colon, rest = line.partition('": ')
        styled = Content.assemble((name + '"', marks.IN_MEMORY.style), ": ", rest) if colon else Content(line)
        yield styled

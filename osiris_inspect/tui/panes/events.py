"""Events: every line of the log in order, the details of one, and a histogram over time."""

from collections.abc import Iterator, Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.text.event_fields import safe_keys
from osiris_inspect.inspector.text.sanitize import json_lines, multi_line, show_line
from osiris_inspect.inspector.text.units import time_of_day
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.event import Event
from osiris_inspect.tui.drawing.sparklines import bucket_counts, histogram
from osiris_inspect.tui.drawing.symbols import IN_MEMORY, MUTED
from osiris_inspect.tui.panes.list_and_detail import ListDetailPane
from osiris_inspect.tui.panes.step_detail import finding_line, section
from osiris_inspect.tui.widgets.event_list import EventList, EventRow, EventRows, large_log
from osiris_inspect.tui.widgets.line_list import CursorMoved, LineList
from osiris_inspect.tui.widgets.list_rows import Layout, ListContent, Row

TALL = 24
"""Smallest height of the pane in lines at which the histogram is shown."""

_MAX_COUNTED = 200_000
"""Events counted of a log without an index."""


class Histogram(Static):
    """Events and failures over the time of the run, and the position of the cursor."""

    DEFAULT_CSS = "Histogram { height: 2; display: none; padding: 0 0 0 1; text-wrap: nowrap; }"

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._events: Sequence[Event] = ()
        self._buckets: tuple[float, float, list[int], list[int]] | None = None

    def show_events(self, events: Sequence[Event]) -> None:
        """Show these events."""
        self._events, self._buckets = events, None

    def point(self, event: Event | None) -> None:
        """Mark the time of an event."""
        room = max(1, self.size.width - 2)
        if self._buckets is None or len(self._buckets[2]) != room:
            self._buckets = self._count(room)
        start, width, counts, failures = self._buckets
        time = event.ts if event is not None else None
        cursor = int((time - start) / width) if time is not None and width else None
        self.update(Content("\n").join(histogram(counts, failures, cursor, MUTED)))

    def _count(self, room: int) -> tuple[float, float, list[int], list[int]]:
        """Return the start and the width of the buckets in seconds, and the events and failures of each."""
        log = large_log(self._events)
        if log is not None:
            buckets = log.line_index.timeline(room)
            width = buckets[1].start - buckets[0].start if len(buckets) > 1 else 0.0
            start = buckets[0].start if buckets else 0.0
            return start, width, [b.events for b in buckets], [b.failure_lines for b in buckets]
        timed = [(e.ts, e.is_failure) for e in self._events[:_MAX_COUNTED] if e.ts is not None]
        times = [ts for ts, _ in timed]
        failures = [ts for ts, is_failure in timed if is_failure]
        start, end = min(times, default=0.0), max(times, default=0.0)
        width = (end - start) * 1.000001 / room or 1.0
        return (
            start,
            width,
            bucket_counts(times, start, width, room),
            bucket_counts(failures, start, width, room),
        )


class Events(ListDetailPane):
    """Events of the run."""

    DEFAULT_CSS = """
    Events > .main { width: 3fr; }
    Events .main LineList { width: 1fr; height: 1fr; }
    Events.-tall Histogram { display: block; }
    """

    def compose(self) -> ComposeResult:
        """Yield the histogram above the list, and the details."""
        _, details = super().compose()
        with Vertical(classes="main"):
            yield Histogram()
            yield EventList()
        yield details

    @property
    def list(self) -> LineList:
        """List of the pane."""
        return self.query_one(EventList)

    def build_rows(self, report: Report) -> Layout:
        """Return the layout with one row per event."""
        run = report.run
        longest = max((len(step.id) for step in run.steps), default=0)
        times = [event.ts for event in run.key_events if event.ts is not None]
        start = run.started if run.started is not None else next(iter(times), None)
        self.query_one(Histogram).show_events(run.events)
        self.list.end_time = times[-1] if times else run.ended
        return lambda width: ListContent(EventRows(run.events, start, min(longest, max(8, width // 5))))

    def select_cause(self, report: Report) -> None:
        """Move the cursor to the evidence of the cause; an indexed log is not searched for it."""
        cause, rows = report.root_cause, self.list.sheet.rows
        if cause is None or not isinstance(rows, EventRows):
            return
        if large_log(rows.events) is None:
            super().select_cause(report)
            return
        evidence = next((e.line for e in cause.evidence if e.file == layout.EVENTS), None)
        step = report.run.step(cause.step) if cause.step else None
        line = evidence or (step.failure.line if step is not None and step.failure is not None else None)
        if line:
            self.list.cursor = rows.row_at_line(line)

    def on_resize(self) -> None:
        """Show the histogram if it fits."""
        self.set_class(self.size.height >= TALL, "-tall")
        super().on_resize()

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Show the details of the event and mark its time."""
        super().on_cursor_moved(message)
        is_shown = message.lines.is_attached and message.lines is self.list
        if is_shown and self.has_class("-tall"):
            row = self.list.row
            self.query_one(Histogram).point(row.event if isinstance(row, EventRow) else None)

    def details(self, report: Report, row: Row) -> Sequence[Content]:
        """Return the whole event and the findings that cite it."""
        return list(_describe(report, row.event)) if isinstance(row, EventRow) else []


def _describe(report: Report, event: Event) -> Iterator[Content]:
    position = f"{show_line(event.file, 120)}:{event.line}"
    is_renamed = event.original_name not in ("", event.name)
    facts = [
        time_of_day(event.ts),
        show_line(event.step or "", 120),
        event.side or "",
        f"seq {event.seq}" if event.seq is not None else "",
        f"logged as {show_line(event.original_name, 80)}" if is_renamed else "",
    ]
    yield Content.assemble((show_line(event.name, 120), "bold"), "  ", (position, MUTED))
    yield Content.styled(" · ".join(filter(None, facts)), MUTED)
    if event.error:
        yield Content("")
        yield from (Content.styled(line, "$state-bad") for line in multi_line(event.error, 4_000))
    traceback = multi_line(event.traceback) if event.traceback else ()
    yield from section("traceback", map(Content, traceback))
    yield Content("")
    yield from _json(event)
    key = (event.file, event.line)
    cited_by = (
        f for f in report.findings if key in {(evidence.file, evidence.line) for evidence in f.evidence}
    )
    yield from section("evidence of", map(finding_line, cited_by))


def _json(event: Event) -> Iterator[Content]:
    fields = {key: value for key, value in event.fields.items() if key != "traceback"}
    for line in json_lines(fields, safe_keys=safe_keys(event)):
        name, colon, value = line.partition('": ')
        yield Content.assemble((name + '"', IN_MEMORY.style), ": ", value) if colon else Content(line)

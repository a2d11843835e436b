"""Timeline: the phases of the run, one bar per step on a time axis, the critical path, and the size of the frames over time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from textual.content import Content

from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.timeline import (
    MemoryLevel,
    Phase,
    RunTimeline,
    StepTiming,
    run_timeline,
    tick_interval,
)
from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.inspector.text.units import format_bytes, format_duration, format_elapsed
from osiris_inspect.tui.drawing.sparklines import sparkline
from osiris_inspect.tui.drawing.symbols import IN_MEMORY, MUTED, ON_DISK, STEP
from osiris_inspect.tui.panes.list_and_detail import ListDetailPane
from osiris_inspect.tui.panes.step_detail import describe
from osiris_inspect.tui.widgets.list_rows import Layout, ListContent, Row, StaticRow, static_row

CRITICAL = "◆"
_SIGNS: dict[Phase, str] = {"waiting": "·", "working": "█", "spilling": "▒"}
_RUN_PHASE = "░"
_MIN_TICK_WIDTH = 9
"""Smallest distance between two ticks of the axis in cells."""


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """Axis of ``width`` cells from ``begin`` to ``end``, in seconds since the start of the run."""

    begin: float
    end: float
    width: int

    def cell(self, time: float) -> int:
        """Return the cell of a time."""
        length = self.end - self.begin
        share = (time - self.begin) / length if length > 0 else 0.0
        return max(0, min(self.width - 1, int(share * self.width)))

    def cells(self, begin: float, end: float) -> range:
        """Return the cells of an interval; none if it ends before the axis begins."""
        return range(self.cell(begin), self.cell(end) + 1) if end >= self.begin else range(0)

    def heading(self) -> str:
        """Return the axis with as many round ticks as fit."""
        interval = tick_interval(self.end - self.begin, max(1, self.width // _MIN_TICK_WIDTH))
        line, tick = "", ceil(self.begin / interval)
        while tick * interval <= self.end:
            cell, label = self.cell(tick * interval), format_duration(tick * interval) if tick else "0"
            if cell + len(label) < self.width:
                line = line.ljust(cell) + f"╷{label}"
            tick += 1
        return line


class Timeline(ListDetailPane):
    """Steps over time."""

    is_zoomed = False

    def build_rows(self, report: Report) -> Layout:
        """Return the layout with one bar per step, and below them the size of the frames."""
        timeline = run_timeline(report.run)
        return lambda width: _content(timeline, width, is_zoomed=self.is_zoomed)

    def zoom(self) -> None:
        """Start the axis at the first step, or at the start of the run again."""
        self.is_zoomed = not self.is_zoomed
        if self.report is not None:
            self.list.show(self.build_rows(self.report))

    def details(self, report: Report, row: Row) -> Sequence[Content]:
        """Return the details of the step."""
        step = report.run.step(str(row.key)) if isinstance(row.key, str) else None
        return describe(report, step) if step is not None else [Content(row.text)]


def _content(timeline: RunTimeline, width: int, *, is_zoomed: bool) -> ListContent:
    timings = timeline.step_timings
    longest = max((len(show_line(timing.step.id, 60)) for timing in timings), default=0)
    id_width = min(longest, max(10, width // 4))
    begins = [span.begin for timing in timings for span in timing.phase_spans if span.phase != "waiting"]
    begin = min(begins, default=0.0) if is_zoomed else 0.0
    axis = TimeAxis(begin, max(timeline.length, begin), max(8, width - id_width - 4 - 10))
    ticks = axis.heading() if timeline.start is not None else "no step has a time"
    heading = Content(" " * (id_width + 4) + ticks)
    rows = [*_phase_rows(timeline, axis, id_width), *(_row(timing, axis, id_width) for timing in timings)]
    return ListContent([*rows, *_levels(timeline.memory_levels, axis, id_width), *_legend(timings)], heading)


def _row(timing: StepTiming, axis: TimeAxis, id_width: int) -> StaticRow:
    step, symbol = timing.step, STEP[timing.step.status]
    result = symbol.word
    if timing.phase_spans:
        result = format_duration(timing.seconds) + ("" if timing.has_ended else " …")
    name = Content.styled(show_line(step.id, 60), "bold" if timing.is_critical else "")
    content = Content.assemble(
        (symbol.symbol, symbol.style),
        (CRITICAL if timing.is_critical else " ", "bold $state-link"),
        " ",
        name.truncate(id_width, ellipsis=True, pad=True),
        " ",
        _bar(timing, axis, "bold $state-bad" if step.status == "failed" else "$state-link"),
        (f" {result}", MUTED),
    )
    phases = [
        f"{span.phase} {format_duration(span.end - span.begin)} from {format_elapsed(span.begin)}"
        for span in timing.phase_spans
    ]
    suffix = ", on the critical path" if timing.is_critical else ""
    text = f"{show_line(step.id, 120)} {step.status} {', '.join(phases)}{suffix}"
    fields = {"step": step.id, "status": step.status, "critical": timing.is_critical}
    return StaticRow(content, text, step.id, fields, step.status == "failed", step.status == "skipped")


def _phase_rows(timeline: RunTimeline, axis: TimeAxis, id_width: int) -> Iterator[StaticRow]:
    """Yield the row of the phases of the run outside its steps, if the log has any."""
    phases = timeline.phases
    if not phases:
        return
    cells = {cell for phase in phases for cell in axis.cells(phase.begin, phase.end)}
    bar = "".join(_RUN_PHASE if cell in cells else " " for cell in range(axis.width))
    longest = max(phases, key=lambda phase: phase.seconds)
    content = Content.assemble(
        ("   ", MUTED),
        Content.styled("phases", MUTED).truncate(id_width, ellipsis=True, pad=True),
        " ",
        (bar, MUTED),
        (f" {format_duration(longest.seconds)}", MUTED),
    )
    text = "phases of the run: " + ", ".join(phase.describe(timeline.length) for phase in phases)
    yield StaticRow(content, text, ("phases", ""))


def _bar(timing: StepTiming, axis: TimeAxis, style: str) -> Content:
    cells: list[Phase | None] = [None] * axis.width
    for span in timing.phase_spans:
        for cell in axis.cells(span.begin, span.end):
            cells[cell] = span.phase
    for span in timing.phase_spans:
        if span.phase == "working":  # keeps the shortest work visible
            cells[axis.cell(span.begin)] = "working"
    styles = {"waiting": MUTED, "working": style, "spilling": ON_DISK.style}
    parts = (Content.styled(_SIGNS[phase], styles[phase]) if phase else Content(" ") for phase in cells)
    return Content("").join(parts)


def _levels(levels: Sequence[MemoryLevel], axis: TimeAxis, id_width: int) -> Iterator[StaticRow]:
    """Yield the size of the frames over time, a line for memory and one for disk."""
    if not levels:
        return
    yield static_row("")
    for style, sizes in (
        (IN_MEMORY, [(level.at, level.memory) for level in levels]),
        (ON_DISK, [(level.at, level.spill) for level in levels]),
    ):
        largest = max(size for _, size in sizes)
        if largest:
            name = f"{style.letter}   {style.word}"[: id_width + 3].ljust(id_width + 3)
            line = (sparkline(_largest_sizes(sizes, axis)), style.style)
            content = Content.assemble((f"{name} ", MUTED), line, (f" {format_bytes(largest)}", MUTED))
            text = f"frames in {style.word}: at most {format_bytes(largest)}"
            yield StaticRow(content, text, ("level", style.word))


def _largest_sizes(sizes: Sequence[tuple[float, int]], axis: TimeAxis) -> list[float]:
    """Return the largest size in each cell of the axis."""
    cells = [0.0] * axis.width
    ends = [*(time for time, _ in sizes[1:]), axis.end]
    for (begin, size), end in zip(sizes, ends, strict=True):
        for cell in axis.cells(begin, end):
            cells[cell] = max(cells[cell], float(size))
    return cells


def _legend(timings: Sequence[StepTiming]) -> Iterator[StaticRow]:
    phases = {span.phase for timing in timings for span in timing.phase_spans}
    entries = [f"{sign} {phase}" for phase, sign in _SIGNS.items() if phase in phases]
    if any(timing.is_critical for timing in timings):
        entries.append(f"{CRITICAL} critical path")
    if entries:
        yield static_row("")
        yield static_row(Content.styled("   ".join(entries), MUTED))

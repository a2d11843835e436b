"""Timeline: a bar a step on one axis of time, the path that made the run as long as it was, and what its frames took."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from textual.content import Content

from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.timeline import MemoryLevel, Phase, RunTimeline, StepTiming, run_timeline
from osiris_inspect.inspector.text import units as figures
from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.tui.drawing import sparklines as bars
from osiris_inspect.tui.drawing import symbols as marks
from osiris_inspect.tui.drawing.symbols import MUTED
from osiris_inspect.tui.panes.list_and_detail import ListDetailPane
from osiris_inspect.tui.panes.step_detail import describe
from osiris_inspect.tui.widgets.list_rows import Layout, ListContent, Row, StaticRow, static_row

CRITICAL = "◆"
_SIGNS: dict[Phase, str] = {"waiting": "·", "working": "█", "spilling": "▒"}
_WORDS: dict[Phase, str] = {"waiting": "waiting", "working": "working", "spilling": "spilling"}
_LEAST_TICK = 9
"""Cells from one figure of the axis to the next, at least."""


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """Where a moment stands: ``room`` cells from ``begin`` to ``end``, in seconds from the first time of the run."""

    begin: float
    end: float
    room: int

    def place(self, at: float) -> int:
        """The cell of a moment."""
        length = self.end - self.begin
        share = (at - self.begin) / length if length > 0 else 0.0
        return max(0, min(self.room - 1, int(share * self.room)))

    def heading(self) -> str:
        """The axis in figures at round distances: as many as fit."""
        apart = _tick_interval(self.end - self.begin, max(1, self.room // _LEAST_TICK))
        line, tick = "", ceil(self.begin / apart)
        while apart and tick * apart <= self.end:
            at, told = self.place(tick * apart), figures.format_duration(tick * apart) if tick else "0"
            if at + len(told) < self.room:
                line = line.ljust(at) + f"╷{told}"
            tick += 1
        return line


def _tick_interval(length: float, most: int) -> float:
    """Seconds between two figures, 1, 2 or 5 times a power of ten, so that there are at most so many."""
    if length <= 0:
        return 1.0
    power = 10.0 ** floor(log10(length / most))
    return next((power * step for step in (1, 2, 5) if length / (power * step) <= most), power * 10)


class Timeline(ListDetailPane):
    """The run in time."""

    is_zoomed = False

    def build_rows(self, report: Report) -> Layout:
        """A bar a step, and under them what was held in memory and on disk."""
        told = run_timeline(report.run)

        def sheet(width: int) -> ListContent:
            if told.start is None:
                return ListContent(
                    [_nothing(bar) for bar in told.step_timings] or [static_row("no step has a time")]
                )
            return _build_rows(told, width, is_zoomed=self.is_zoomed)

        return sheet

    def zoom(self) -> None:
        """Show only the time from the first step on, or all of it again."""
        self.is_zoomed = not self.is_zoomed
        if self.report is not None:
            self.list.show(self.build_rows(self.report))

    def details(self, report: Report, row: Row) -> Sequence[Content]:
        """All that is known of the step."""
        step = report.run.step(str(row.key)) if isinstance(row.key, str) else None
        return describe(report, step) if step is not None else [Content(row.text)]


def _nothing(bar: StepTiming) -> StaticRow:
    return static_row(
        f"{marks.STEP[bar.step.status].symbol}   {show_line(bar.step.id, 60)}  no time", key=bar.step.id
    )


def _build_rows(told: RunTimeline, width: int, *, is_zoomed: bool) -> ListContent:
    names = min(
        max((len(show_line(bar.step.id, 60)) for bar in told.step_timings), default=0), max(10, width // 4)
    )
    works = [s.begin for bar in told.step_timings for s in bar.phase_spans if s.phase != "waiting"]
    begin = min(works, default=0.0) if is_zoomed else 0.0
    room = max(8, width - names - 4 - 10)
    axis = TimeAxis(begin, max(told.length, begin), room)
    heading = Content.assemble((" " * (names + 4), ""), axis.heading())
    rows = [_row(bar, axis, names) for bar in told.step_timings]
    return ListContent([*rows, *_levels(told.memory_levels, axis, names), *_legend(told)], heading)


def _row(bar: StepTiming, axis: TimeAxis, names: int) -> StaticRow:
    step, mark = bar.step, marks.STEP[bar.step.status]
    took = sum(s.end - s.begin for s in bar.phase_spans if s.phase != "waiting")
    told = figures.format_duration(took) if bar.phase_spans else mark.word
    name = Content.styled(show_line(step.id, 60), "bold" if bar.is_critical else "")
    content = Content.assemble(
        (mark.symbol, mark.style),
        (CRITICAL if bar.is_critical else " ", "bold $state-link"),
        " ",
        name.truncate(names, ellipsis=True, pad=True),
        " ",
        _bar(bar, axis, "bold $state-bad" if step.status == "failed" else "$state-link"),
        (f" {told}{'' if bar.has_ended or not bar.phase_spans else ' …'}", MUTED),
    )
    text = f"{show_line(step.id, 120)} {step.status} {_in_words(bar)}"
    fields = {"step": step.id, "status": step.status, "critical": bar.is_critical}
    return StaticRow(content, text, step.id, fields, step.status == "failed", step.status == "skipped")


def _bar(bar: StepTiming, axis: TimeAxis, tone: str) -> Content:
    cells: list[Phase | None] = [None] * axis.room
    for stretch in bar.phase_spans:  # what comes later wins a cell, so that the shortest work is still seen
        if stretch.end >= axis.begin:
            for cell in range(axis.place(stretch.begin), axis.place(stretch.end) + 1):
                cells[cell] = stretch.phase
    for stretch in bar.phase_spans:
        if stretch.phase == "working":
            cells[axis.place(stretch.begin)] = "working"
    tones = {None: "", "waiting": MUTED, "working": tone, "spilling": marks.ON_DISK.style}
    return Content("").join(
        Content.styled(_SIGNS[phase] if phase is not None else " ", tones[phase]) for phase in cells
    )


def _in_words(bar: StepTiming) -> str:
    parts = [
        f"{_WORDS[s.phase]} {figures.format_duration(s.end - s.begin)} from {figures.format_elapsed(s.begin)}"
        for s in bar.phase_spans
    ]
    return ", ".join(parts) + (", on the critical path" if bar.is_critical else "")


def _levels(levels: Sequence[MemoryLevel], axis: TimeAxis, names: int) -> Iterator[StaticRow]:
    """What frames took over time, a line for memory and one for disk."""
    if not levels:
        return
    yield static_row("")
    for wire, taken in (
        (marks.IN_MEMORY, [(level.at, level.memory) for level in levels]),
        (marks.ON_DISK, [(level.at, level.spill) for level in levels]),
    ):
        most = max(amount for _, amount in taken)
        if most:
            line = bars.sparkline(_step_function(taken, axis))
            name = f"{wire.letter}   {wire.word}"[: names + 3].ljust(names + 3)
            content = Content.assemble(
                (f"{name} ", MUTED), (line, wire.style), (f" {figures.format_bytes(most)}", MUTED)
            )
            yield StaticRow(
                content, f"frames in {wire.word}: at most {figures.format_bytes(most)}", ("level", wire.word)
            )


def _step_function(taken: Sequence[tuple[float, int]], axis: TimeAxis) -> list[float]:
    """The amount in each cell: the most there was at any time in it."""
    cells = [0.0] * axis.room
    for number, (at, amount) in enumerate(taken):
        until = taken[number + 1][0] if number + 1 < len(taken) else axis.end
        if until >= axis.begin:
            for cell in range(axis.place(at), axis.place(until) + 1):
                cells[cell] = max(cells[cell], float(amount))
    return cells


def _legend(told: RunTimeline) -> Iterator[StaticRow]:
    phases = dict.fromkeys(s.phase for bar in told.step_timings for s in bar.phase_spans)
    parts = [f"{_SIGNS[phase]} {_WORDS[phase]}" for phase in _SIGNS if phase in phases]
    if any(bar.is_critical for bar in told.step_timings):
        parts.append(f"{CRITICAL} critical path")
    if parts:
        yield static_row("")
        yield static_row(Content.styled("   ".join(parts), MUTED))

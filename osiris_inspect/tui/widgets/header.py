"""The first line of a run's screen: which run, how it ended, how long it took, what its frames took."""

from collections.abc import Callable, Iterator

from textual.content import Content
from textual.widget import Widget

from osiris_inspect.inspector.run.frame_sizes import FrameTotal, FrameTotals, frame_totals
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.run.summary import output_rows
from osiris_inspect.inspector.text import units as figures
from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.tui.drawing import symbols as marks

ID_WIDTH = 24
"""Cells of a run's id for which it is not told in fewer words what its frames took; the end of an id tells runs apart."""
MIN_ID_WIDTH = 6
"""Cells of it for which that is not left out."""

FrameFormat = Callable[[marks.EdgeStyle, FrameTotal], str]


def _where(run: Run) -> str:
    """Where a run was made, and what kept its worker apart: ``sandbox (bwrap)``; empty where that is not known."""
    kept_apart = run.isolation if run.isolation not in (None, run.mode) else None
    if run.mode and run.mode != "local" and kept_apart:
        return f"{run.mode} ({show_line(kept_apart, 20)})"
    return run.mode or ""


def _format_full(wire: marks.EdgeStyle, kept: FrameTotal) -> str:
    return f"{wire.letter} {wire.word} {_counted(kept)}"


def _format_short(wire: marks.EdgeStyle, kept: FrameTotal) -> str:
    return f"{wire.letter} {_counted(kept)}"


def _format_bytes_only(wire: marks.EdgeStyle, kept: FrameTotal) -> str:
    if kept.unknown_size == kept.frames:
        return f"{wire.letter} {figures.pluralize(kept.frames, 'frame')}"
    return f"{wire.letter} {figures.format_bytes(kept.bytes)}{'+' if kept.unknown_size else ''}"


def _counted(kept: FrameTotal) -> str:
    """``2 frames, 868 B``; of frames whose size is not told that is said."""
    frames = figures.pluralize(kept.frames, "frame")
    if kept.unknown_size == kept.frames:
        return f"{frames}, size not told"
    return f"{frames}, {figures.format_bytes(kept.bytes)}{' and more' if kept.unknown_size else ''}"


class Header(Widget):
    """Pipeline, run, mode and isolation, status, duration, rows and frames on one line, as far as there is room."""

    DEFAULT_CSS = """
    Header { height: 1; padding: 0 1; background: $panel; color: $foreground; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    _report: Report | None = None
    _totals: FrameTotals | None = None

    def show(self, report: Report) -> None:
        """Show this run."""
        self._report, self._totals = report, frame_totals(report.run, report.lineage)
        self.refresh()

    def render(self) -> Content:
        """As much of what its frames took as leaves room for the rest."""
        if self._report is None:
            return Content()
        name = show_line(self._report.run.id, 120)
        for line, least in self._lines(self._report, len(name)):
            rest = self.content_size.width - line.cell_length - 2
            if rest >= least:
                break
        told = name if len(name) <= max(rest, 0) or least == 0 else f"…{name[1 - rest :]}"
        return Content.assemble(line, "  ", (told, marks.MUTED))

    def _lines(self, report: Report, length: int) -> Iterator[tuple[Content, int]]:
        """The line without the id in fewer and fewer words, and how many cells the id must have beside each."""
        enough = min(length, ID_WIDTH)
        where = _where(report.run)
        yield self._line(report, where, _format_full), enough
        yield self._line(report, where, _format_short), enough
        yield self._line(report, where, _format_bytes_only), enough
        yield self._line(report, where, _format_bytes_only), min(length, MIN_ID_WIDTH)
        yield self._line(report, report.run.mode or "", _format_bytes_only), min(length, MIN_ID_WIDTH)
        yield self._line(report, where, None), 0

    def _line(self, report: Report, where: str, telling: FrameFormat | None) -> Content:
        run, rows = report.run, output_rows(report)
        facts = [
            marks.RUN[run.status].content,
            *([Content(where)] if where else []),
            *([Content(figures.format_duration(run.duration_s))] if run.duration_s is not None else []),
            *([Content(figures.format_rows(rows))] if rows is not None else []),
            *(self._frames(telling) if telling is not None else ()),
        ]
        name = show_line(run.pipeline, 60) if run.pipeline else ""
        return Content.assemble((name, "bold"), "  " if name else "", Content(" · ").join(facts))

    def _frames(self, telling: FrameFormat) -> Iterator[Content]:
        """What was kept in memory, what was spilled, what was kept nobody knows where, and what was lost; nothing of none."""
        if self._totals is None:
            return
        for wire, kept in ((marks.IN_MEMORY, self._totals.memory), (marks.ON_DISK, self._totals.spill)):
            if kept.frames:
                yield Content.styled(telling(wire, kept), wire.style)
        if self._totals.lost:
            lost = f"{marks.NOT_FOUND.letter} {figures.pluralize(self._totals.lost, 'frame')} lost"
            yield Content.styled(lost, marks.NOT_FOUND.style)
        if self._totals.unknown_location:
            told = "" if telling is _format_bytes_only else f" {marks.UNKNOWN.word}"
            frames = figures.pluralize(self._totals.unknown_location, "frame")
            yield Content.styled(f"{marks.UNKNOWN.letter} {frames}{told}", marks.UNKNOWN.style)

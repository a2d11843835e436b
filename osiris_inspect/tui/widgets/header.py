"""The first line of a run's screen: which run, how it ended, how long it took, what its frames took."""

from collections.abc import Callable, Iterator

from textual.content import Content
from textual.widget import Widget

from osiris_inspect.inspector.run.frame_sizes import Kept, Totals, totals
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.run.summary import rows_of
from osiris_inspect.inspector.text import units as figures
from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.tui.drawing import symbols as marks

ENOUGH_OF_ID = 24
"""Cells of a run's id for which it is not told in fewer words what its frames took; the end of an id tells runs apart."""
LEAST_OF_ID = 6
"""Cells of it for which that is not left out."""

Telling = Callable[[marks.Wire, Kept], str]


def _where(run: Run) -> str:
    """Where a run was made, and what kept its worker apart: ``sandbox (bwrap)``; empty where that is not known."""
    kept_apart = run.isolation if run.isolation not in (None, run.mode) else None
    if run.mode and run.mode != "local" and kept_apart:
        return f"{run.mode} ({show_line(kept_apart, 20)})"
    return run.mode or ""


def _in_full(wire: marks.Wire, kept: Kept) -> str:
    return f"{wire.letter} {wire.word} {_counted(kept)}"


def _by_letter(wire: marks.Wire, kept: Kept) -> str:
    return f"{wire.letter} {_counted(kept)}"


def _by_size(wire: marks.Wire, kept: Kept) -> str:
    if kept.untold == kept.frames:
        return f"{wire.letter} {figures.plural(kept.frames, 'frame')}"
    return f"{wire.letter} {figures.size(kept.bytes)}{'+' if kept.untold else ''}"


def _counted(kept: Kept) -> str:
    """``2 frames, 868 B``; of frames whose size is not told that is said."""
    frames = figures.plural(kept.frames, "frame")
    if kept.untold == kept.frames:
        return f"{frames}, size not told"
    return f"{frames}, {figures.size(kept.bytes)}{' and more' if kept.untold else ''}"


class Header(Widget):
    """Pipeline, run, mode and isolation, status, duration, rows and frames on one line, as far as there is room."""

    DEFAULT_CSS = """
    Header { height: 1; padding: 0 1; background: $panel; color: $foreground; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    _report: Report | None = None
    _totals: Totals | None = None

    def show(self, report: Report) -> None:
        """Show this run."""
        self._report, self._totals = report, totals(report.run, report.lineage)
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
        enough = min(length, ENOUGH_OF_ID)
        where = _where(report.run)
        yield self._line(report, where, _in_full), enough
        yield self._line(report, where, _by_letter), enough
        yield self._line(report, where, _by_size), enough
        yield self._line(report, where, _by_size), min(length, LEAST_OF_ID)
        yield self._line(report, report.run.mode or "", _by_size), min(length, LEAST_OF_ID)
        yield self._line(report, where, None), 0

    def _line(self, report: Report, where: str, telling: Telling | None) -> Content:
        run, rows = report.run, rows_of(report)
        facts = [
            marks.RUN[run.status].content,
            *([Content(where)] if where else []),
            *([Content(figures.duration(run.duration_s))] if run.duration_s is not None else []),
            *([Content(figures.rows(rows))] if rows is not None else []),
            *(self._frames(telling) if telling is not None else ()),
        ]
        name = show_line(run.pipeline, 60) if run.pipeline else ""
        return Content.assemble((name, "bold"), "  " if name else "", Content(" · ").join(facts))

    def _frames(self, telling: Telling) -> Iterator[Content]:
        """What was kept in memory, what was spilled, what was kept nobody knows where, and what was lost; nothing of none."""
        if self._totals is None:
            return
        for wire, kept in ((marks.IN_MEMORY, self._totals.memory), (marks.ON_DISK, self._totals.spill)):
            if kept.frames:
                yield Content.styled(telling(wire, kept), wire.style)
        if self._totals.lost:
            lost = f"{marks.NOWHERE.letter} {figures.plural(self._totals.lost, 'frame')} lost"
            yield Content.styled(lost, marks.NOWHERE.style)
        if self._totals.somewhere:
            told = "" if telling is _by_size else f" {marks.NOT_TOLD.word}"
            frames = figures.plural(self._totals.somewhere, "frame")
            yield Content.styled(f"{marks.NOT_TOLD.letter} {frames}{told}", marks.NOT_TOLD.style)

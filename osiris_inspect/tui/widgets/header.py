"""Header of a run's screen: pipeline, mode, status, duration, rows and frame sizes."""

from collections.abc import Callable

from textual.content import Content
from textual.widget import Widget

from osiris_inspect.inspector.run.frame_sizes import FrameTotal, FrameTotals, frame_totals
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.summary import output_rows
from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.inspector.text.units import format_bytes, format_duration, format_rows, pluralize
from osiris_inspect.tui.drawing.symbols import IN_MEMORY, MUTED, NOT_FOUND, ON_DISK, RUN, UNKNOWN, EdgeStyle

ID_WIDTH = 24
"""Cells kept for the run id before frame sizes are shortened. An id is cut at its start: ids differ at the end."""
MIN_ID_WIDTH = 6
"""Cells kept for the run id before frame sizes are left out."""

FrameFormat = Callable[[EdgeStyle, FrameTotal], str]


def _format_full(style: EdgeStyle, total: FrameTotal) -> str:
    """Return ``M memory 2 frames, 868 B``."""
    frames = f"{style.letter} {style.word} {pluralize(total.frames, 'frame')}"
    if total.unknown_size == total.frames:
        return f"{frames}, size unknown"
    return f"{frames}, {format_bytes(total.bytes)}{' and more' if total.unknown_size else ''}"


def _format_short(style: EdgeStyle, total: FrameTotal) -> str:
    """Return ``M 868 B``."""
    if total.unknown_size == total.frames:
        return f"{style.letter} {pluralize(total.frames, 'frame')}"
    return f"{style.letter} {format_bytes(total.bytes)}{'+' if total.unknown_size else ''}"


def _format_frames(totals: FrameTotals, frame_format: FrameFormat) -> list[Content]:
    """Return frames in memory, on disk, lost and at an unknown location; zero counts are omitted."""
    stored = ((IN_MEMORY, totals.memory), (ON_DISK, totals.spill))
    texts = [
        *((style, frame_format(style, total)) for style, total in stored if total.frames),
        *([(NOT_FOUND, f"{NOT_FOUND.letter} {pluralize(totals.lost, 'frame')} lost")] if totals.lost else []),
    ]
    if totals.unknown_location:
        suffix = "" if frame_format is _format_short else ", storage unknown"
        texts.append((UNKNOWN, f"{UNKNOWN.letter} {pluralize(totals.unknown_location, 'frame')}{suffix}"))
    return [Content.styled(text, style.style) for style, text in texts]


class Header(Widget):
    """One line about a run, with as many details as fit."""

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
        """Return the most detailed line that leaves room for the run id."""
        if self._report is None:
            return Content()
        run = self._report.run
        name, mode = show_line(run.id, 120), run.mode or ""
        has_isolation = mode not in ("", "local") and run.isolation not in (None, run.mode)
        mark = {"replay": " replay", "resume": " resumed"}.get(run.parent.kind if run.parent else "", "")
        where = (f"{mode} ({show_line(run.isolation or '', 20)})" if has_isolation else mode) + mark
        candidates = (
            (where, _format_full, ID_WIDTH),
            (where, _format_short, MIN_ID_WIDTH),
            (mode, _format_short, MIN_ID_WIDTH),
            (where, None, 0),
        )
        for label, frame_format, id_width in candidates:
            line = self._line(self._report, label, frame_format)
            room = self.content_size.width - line.cell_length - 2
            if room >= min(len(name), id_width):
                break
        is_whole = len(name) <= max(room, 0) or frame_format is None
        return Content.assemble(line, "  ", (name if is_whole else f"…{name[1 - room :]}", MUTED))

    def _line(self, report: Report, where: str, frame_format: FrameFormat | None) -> Content:
        run, rows = report.run, output_rows(report)
        facts = [
            RUN[run.status].content,
            *([Content(where)] if where else []),
            *([Content(format_duration(run.duration_s))] if run.duration_s is not None else []),
            *([Content(format_rows(rows))] if rows is not None else []),
            *(_format_frames(self._totals, frame_format) if frame_format and self._totals else ()),
        ]
        name = show_line(run.pipeline, 60) if run.pipeline else ""
        return Content.assemble((name, "bold"), "  " if name else "", Content(" · ").join(facts))

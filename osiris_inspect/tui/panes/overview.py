"""Overview: a drawing of the lineage with the failing path marked."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import NULL_OFFSET, Region, Size, Spacing
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.style import Style
from textual.widget import Widget
from textual.widgets import Static

from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import StepState
from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.tui.drawing.lineage import LineageDrawing, draw, legend, step_result
from osiris_inspect.tui.panes.step_detail import describe
from osiris_inspect.tui.shared.messages import StepOpened
from osiris_inspect.tui.widgets.line_list import CursorMoved, LineList, RowOpened
from osiris_inspect.tui.widgets.list_rows import ListContent, StaticRow
from osiris_inspect.tui.widgets.strips import highlight
from osiris_inspect.tui.widgets.text_view import TextView

MIN_DETAIL_HEIGHT = 5
"""Smallest height in lines at which the details are shown below the drawing."""

MIN_SIDE_WIDTH = 120
"""Smallest width in cells at which the details of a long list of steps are shown beside it."""

_MAX_SHARE = 0.6
"""Share of the height that the drawing takes at most if there are details."""


class LineageList(LineList):
    """List of the steps whose lines are a drawing; the cursor moves from step to step."""

    hides_rows = False
    _drawing = LineageDrawing([])
    _report: Report | None = None

    def show_report(self, report: Report) -> None:
        """Draw the lineage of a run."""
        self._report = report
        self.show(lambda _width: ListContent([_row(step) for step in report.run.steps]))

    def _lay_out(self, inner_width: int) -> None:
        super()._lay_out(inner_width)
        self._draw()

    def watch_cursor(self) -> None:
        """Highlight the current step."""
        self._draw()
        super().watch_cursor()

    def _draw(self) -> None:
        if self._report is not None:
            selected = str(self.row.key) if self.row else None
            self._drawing = draw(self._report.lineage, self._laid_out_for, selected)

    @property
    def is_boxed(self) -> bool:
        """True if the steps are boxes, False if each is a line of a list."""
        return self._drawing.boxed

    @property
    def line_count(self) -> int:
        """Number of lines of the drawing."""
        return len(self._drawing.lines)

    def line_at(self, line: int) -> Content:
        """Return a line of the drawing."""
        return self._drawing.lines[line]

    def line_span(self, index: int) -> tuple[int, int]:
        """Return the first line and the height of a step."""
        return self._drawing.line_spans.get(str(self.row_at(index).key), (0, 0))

    def _with_cursor(self, line: int, base: Style) -> tuple[Content, Style]:
        if self._drawing.boxed:  # the box of the current step is highlighted instead
            return Content(" ") + highlight(self.line_at(line), self.highlight_terms), base
        return super()._with_cursor(line, base)

    def action_shift(self, by: int) -> None:
        """Go to the previous or next step."""
        self.action_move(1 if by > 0 else -1)


class _OverviewLayout(Layout):
    """Layout of the drawing, its legend, and the details of the current step if they fit.

    It measures the drawing while it arranges, so that the first paint is correct. CSS would need a second one.
    """

    name = "overview"

    def arrange(
        self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True
    ) -> ArrangeResult:
        """Return the regions of the widgets; the details may have none."""
        del parent, greedy
        drawing, legend_line, page = children
        assert isinstance(drawing, LineageList)  # noqa: S101  tells mypy what ``compose`` created
        width = size.width - 1  # the same margin on both sides
        drawing.relayout(width)
        if width >= MIN_SIDE_WIDTH and drawing.line_count > size.height - 1 and not drawing.is_boxed:
            return self._beside(drawing, legend_line, page, size)
        height = min(drawing.line_count, int(_MAX_SHARE * size.height))
        below = size.height - height - 2  # the legend and a blank line
        has_details = below >= MIN_DETAIL_HEIGHT
        if not has_details:
            height = max(0, size.height - 1)
        regions: list[tuple[Widget, Region]] = [
            (drawing, Region(0, 0, width, height)),
            (legend_line, Region(1, height, width, 1)),
        ]
        if has_details:
            regions.append((page, Region(0, height + 2, width, below)))
        return _placed(regions)

    def _beside(self, drawing: LineageList, legend_line: Widget, page: Widget, size: Size) -> ArrangeResult:
        """Return the regions if the details are to the right of the list."""
        width = size.width // 2
        drawing.relayout(width)
        height = size.height - 1
        return _placed(
            [
                (drawing, Region(0, 0, width, height)),
                (legend_line, Region(1, height, width - 1, 1)),
                (page, Region(width, 0, size.width - width, size.height)),
            ]
        )


def _placed(regions: list[tuple[Widget, Region]]) -> ArrangeResult:
    return [WidgetPlacement(region, NULL_OFFSET, Spacing(), widget) for widget, region in regions]


class Overview(Vertical):
    """Drawing, legend, and details of the current step."""

    DEFAULT_CSS = """
    Overview { padding: 1 1 0 1; }
    Overview #legend { color: $state-beside; }
    """

    _report: Report | None = None
    _described: StepState | None = None
    _layout = _OverviewLayout()

    @property
    def layout(self) -> Layout:
        """Layout of this pane."""
        return self._layout

    def compose(self) -> ComposeResult:
        """Yield the drawing, its legend and the details."""
        yield LineageList(classes="main")
        yield Static(id="legend", markup=False)
        yield TextView()

    @property
    def list(self) -> LineList:
        """Drawing of the lineage."""
        return self.query_one(LineageList)

    def show(self, report: Report) -> None:
        """Draw a run; the first time, move the cursor to the step of the cause."""
        is_first, self._report = self._report is None, report
        self.query_one(LineageList).show_report(report)
        self.query_one("#legend", Static).update(legend(report.lineage))
        cause = report.root_cause
        if is_first and cause is not None and cause.step is not None:
            self.list.move_to(lambda row: row.key == cause.step)
        self._describe()

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Show the details of the current step."""
        if message.lines.is_attached and message.lines is self.list:  # else the app is exiting
            self._describe()

    def _describe(self) -> None:
        row = self.list.row
        step = self._report.run.step(str(row.key)) if self._report and row else None
        if self._report and step is not None and step is not self._described:
            self._described = step
            self.query_one(TextView).show_lines(describe(self._report, step))

    def on_row_opened(self, message: RowOpened) -> None:
        """Request the details of the step on its own tab."""
        message.stop()
        if message.lines.row is not None:
            self.post_message(StepOpened(str(message.lines.row.key)))

    def take_focus(self) -> None:
        """Focus the drawing."""
        self.list.focus()

    def close(self) -> bool:
        """Return False: this pane has nothing to close."""
        return False


def _row(step: StepState) -> StaticRow:
    text = f"{show_line(step.id, 120)} {step.status} {step_result(step)}"
    fields = {"step": step.id, "status": step.status}
    return StaticRow(Content(text), text, step.id, fields, step.status == "failed")

"""Overview: the lineage drawn, the failing path marked."""

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
from osiris_inspect.tui.drawing import lineage as drawing
from osiris_inspect.tui.panes.step_detail import describe
from osiris_inspect.tui.shared.messages import StepOpened
from osiris_inspect.tui.widgets.line_list import CursorMoved, LineList, RowOpened
from osiris_inspect.tui.widgets.list_rows import ListContent, StaticRow
from osiris_inspect.tui.widgets.strips import highlight
from osiris_inspect.tui.widgets.text_view import TextView

ROOM = 5
"""Lines under the drawing from which on the step under the cursor is described there."""

_SHARE = 0.6
"""The part of the height that the drawing takes at most where a step is described under it."""


class LineageList(LineList):
    """The steps as a list whose lines are a drawing: the cursor goes from step to step."""

    hides_rows = False
    _drawing = drawing.LineageDrawing([])
    _report: Report | None = None

    def show_report(self, report: Report) -> None:
        """Draw the lineage of this run."""
        self._report = report
        self.show(self._sheet)

    def _sheet(self, _width: int) -> ListContent:
        steps = self._report.run.steps if self._report else ()
        return ListContent([_row(step) for step in steps])

    def _lay_out(self, inner_width: int) -> None:
        super()._lay_out(inner_width)
        self._draw()

    def watch_cursor(self) -> None:
        """Mark the step the cursor went to."""
        self._draw()
        super().watch_cursor()

    def _draw(self) -> None:
        if self._report is not None:
            selected = str(self.row.key) if self.row else None
            self._drawing = drawing.draw(self._report.lineage, self._laid_out_for, selected)

    @property
    def line_count(self) -> int:
        """Lines of the drawing."""
        return len(self._drawing.lines)

    def line_at(self, line: int) -> Content:
        """A line of the drawing."""
        return self._drawing.lines[line]

    def line_span(self, index: int) -> tuple[int, int]:
        """Where a step is drawn."""
        return self._drawing.places.get(str(self.row_at(index).key), (0, 0))

    def _with_cursor(self, line: int, base: Style) -> tuple[Content, Style]:
        if self._drawing.boxed:  # the frame of the box marks the cursor
            return Content(" ") + highlight(self.line_at(line), self.wanted_words), base
        return super()._with_cursor(line, base)

    def action_shift(self, by: int) -> None:
        """Go to the step on the left or on the right."""
        self.action_move(1 if by > 0 else -1)


class _OverviewLayout(Layout):
    """The drawing, its legend, and under them the step under the cursor, where there is room for it.

    A layout of its own knows the height of the drawing and the room for it at once. By styles it would take a second
    picture to find out, and the first one is what everybody waits for.
    """

    name = "stack"

    def arrange(
        self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True
    ) -> ArrangeResult:
        """Where the three are; the last one may be nowhere."""
        del parent, greedy
        graph, legend, page = children
        assert isinstance(graph, LineageList)  # noqa: S101  tells mypy what compose made
        width = size.width - 1  # as far from the edge on the right as its letters are on the left
        graph.relayout(width)
        most = int(_SHARE * size.height)
        below = size.height - min(graph.line_count, most) - 2  # the legend, and a blank line under it
        drawn = min(graph.line_count, most) if below >= ROOM else max(0, size.height - 1)
        places = [(graph, Region(0, 0, width, drawn)), (legend, Region(1, drawn, width, 1))]
        if below >= ROOM:
            places.append((page, Region(0, drawn + 2, width, below)))
        return [WidgetPlacement(region, NULL_OFFSET, Spacing(), widget) for widget, region in places]


_STACK = _OverviewLayout()


class Overview(Vertical):
    """The drawing, its legend, and under them the step under the cursor."""

    DEFAULT_CSS = """
    Overview { padding: 1 1 0 1; }
    Overview #legend { color: $state-beside; }
    """

    _report: Report | None = None
    _described: StepState | None = None

    @property
    def layout(self) -> Layout:
        """One of its own."""
        return _STACK

    def compose(self) -> ComposeResult:
        """The drawing, its legend, the step under the cursor."""
        yield LineageList(classes="main")
        yield Static(id="legend", markup=False)
        yield TextView()

    @property
    def list(self) -> LineList:
        """The drawing."""
        return self.query_one(LineageList)

    def show(self, report: Report) -> None:
        """Draw this run."""
        is_first, self._report = self._report is None, report
        self.query_one(LineageList).show_report(report)
        self.query_one("#legend", Static).update(drawing.legend(report.lineage))
        cause = report.root_cause
        if is_first and cause is not None and cause.step is not None:
            self.list.move_to(lambda row: row.key == cause.step)
        self._describe()

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Describe the step the cursor went to."""
        if message.lines is self.list:
            self._describe()

    def _describe(self) -> None:
        row = self.list.row
        step = self._report.run.step(str(row.key)) if self._report and row else None
        if self._report and step is not None and step is not self._described:
            self._described = step
            self.query_one(TextView).show_lines(describe(self._report, step))

    def on_row_opened(self, message: RowOpened) -> None:
        """Ask for the details of the step."""
        message.stop()
        if message.lines.row is not None:
            self.post_message(StepOpened(str(message.lines.row.key)))

    def take_focus(self) -> None:
        """Go to the drawing."""
        self.list.focus()

    def close(self) -> bool:
        """Nothing is ever open here."""
        return False


def _row(step: StepState) -> StaticRow:
    text = f"{show_line(step.id, 120)} {step.status} {drawing.step_result(step)}"
    return StaticRow(
        Content(text), text, step.id, {"step": step.id, "status": step.status}, step.status == "failed"
    )

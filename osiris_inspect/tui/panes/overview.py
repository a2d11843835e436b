"""Overview: the lineage drawn, the failing path marked."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.style import Style
from textual.widgets import Static

from osiris_inspect.inspector.report import Report
from osiris_inspect.inspector.run import StepState
from osiris_inspect.tui import drawing, inert
from osiris_inspect.tui.lines import LineList
from osiris_inspect.tui.messages import CursorMoved, RowOpened, StepOpened
from osiris_inspect.tui.page import Page
from osiris_inspect.tui.painting import with_matches
from osiris_inspect.tui.panes.step_detail import describe
from osiris_inspect.tui.rows import MadeRow, Sheet

ROOM = 5
"""Lines under the drawing from which on the step under the cursor is described there."""


class Graph(LineList):
    """The steps as a list whose lines are a drawing: the cursor goes from step to step."""

    filters = False
    _drawing = drawing.Drawing([])
    _report: Report | None = None

    def show_report(self, report: Report) -> None:
        """Draw the lineage of this run."""
        self._report = report
        self.show(self._sheet)

    def _sheet(self, _width: int) -> Sheet:
        steps = self._report.run.steps if self._report else ()
        return Sheet([_row(step) for step in steps])

    def _changed(self) -> None:
        self._draw()
        super()._changed()

    def watch_cursor(self) -> None:
        """Mark the step the cursor went to."""
        self._draw()
        super().watch_cursor()

    def _draw(self) -> None:
        if self._report is not None:
            selected = str(self.row.key) if self.row else None
            self._drawing = drawing.draw(self._report.lineage, self.inner_width, selected)

    @property
    def line_count(self) -> int:
        """Lines of the drawing."""
        return len(self._drawing.lines)

    def line_at(self, line: int) -> Content:
        """A line of the drawing."""
        return self._drawing.lines[line]

    def place_of(self, index: int) -> tuple[int, int]:
        """Where a step is drawn."""
        return self._drawing.places.get(str(self.at(index).key), (0, 0))

    def _with_cursor(self, line: int, base: Style) -> tuple[Content, Style]:
        if self._drawing.boxed:  # the frame of the box marks the cursor
            return Content(" ") + with_matches(self.line_at(line), self.wanted_words), base
        return super()._with_cursor(line, base)

    def action_shift(self, by: int) -> None:
        """Go to the step on the left or on the right."""
        self.action_move(1 if by > 0 else -1)


class Overview(Vertical):
    """The drawing, its legend, and under them the step under the cursor."""

    DEFAULT_CSS = """
    Overview { padding: 1 1 0 1; }
    Overview Graph { height: 1fr; }
    Overview #legend { height: 1; color: $state-beside; margin: 0 0 0 1; }
    Overview Page { display: none; height: 1fr; margin: 1 0 0 0; }
    Overview.-tall Graph { height: auto; max-height: 60%; }
    Overview.-tall Page { display: block; }
    """

    _report: Report | None = None

    def compose(self) -> ComposeResult:
        """The drawing, its legend, the step under the cursor."""
        yield Graph(classes="main")
        yield Static(id="legend", markup=False)
        yield Page()

    @property
    def list(self) -> LineList:
        """The drawing."""
        return self.query_one(Graph)

    def show(self, report: Report) -> None:
        """Draw this run."""
        is_first, self._report = self._report is None, report
        self.query_one(Graph).show_report(report)
        self.query_one("#legend", Static).update(drawing.legend(report.lineage))
        cause = report.root_cause
        if is_first and cause is not None and cause.step is not None:
            self.list.select(lambda row: row.key == cause.step)

    def on_resize(self) -> None:
        """Show the step under the cursor where there is room for it."""
        self._describe()

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Describe the step the cursor went to."""
        if message.lines is self.list:
            self._describe()

    def _describe(self) -> None:
        graph, around = self.query_one(Graph), 2  # the legend, and a blank line under it
        is_tall = self.size.height - min(graph.line_count, int(0.6 * self.size.height)) - around >= ROOM
        self.set_class(is_tall, "-tall")
        row = self.list.row
        step = self._report.run.step(str(row.key)) if self._report and row else None
        if self._report and step and self.has_class("-tall"):
            self.query_one(Page).show_lines(describe(self._report, step))

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


def _row(step: StepState) -> MadeRow:
    text = f"{inert.line(step.id, 120)} {step.status} {drawing.outcome(step)}"
    return MadeRow(
        Content(text), text, step.id, {"step": step.id, "status": step.status}, step.status == "failed"
    )

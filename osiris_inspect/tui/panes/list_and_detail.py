"""List with the details of its current row: side by side on wide screens, else one instead of the other."""

from collections.abc import Hashable, Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content

from osiris_inspect.inspector.run.report import Report
from osiris_inspect.tui.widgets.line_list import CursorMoved, LineList, RowOpened
from osiris_inspect.tui.widgets.list_rows import Layout, Row, text_layout
from osiris_inspect.tui.widgets.text_view import TextView

WIDE = 120
"""Smallest width in cells at which list and details are side by side."""


class ListDetailPane(Horizontal):
    """List and details of the row under its cursor. Subclasses define the rows and the details."""

    DEFAULT_CSS = """
    ListDetailPane > .main { width: 3fr; }
    ListDetailPane > TextView { width: 2fr; background: $surface; display: none; }
    ListDetailPane.-side > TextView, ListDetailPane.-open > TextView { display: block; }
    ListDetailPane.-open > .main { display: none; }
    ListDetailPane.-side > .main { display: block; }
    """

    report: Report | None = None
    _described: Hashable = None

    def compose(self) -> ComposeResult:
        """Yield the list and the details."""
        yield LineList(classes="main")
        yield TextView()

    @property
    def list(self) -> LineList:
        """List of the pane."""
        return self.query_one(".main", LineList)

    @property
    def page(self) -> TextView:
        """Details of the pane."""
        return self.query_one(TextView)

    def build_rows(self, report: Report) -> Layout:
        """Return the layout of a report's rows."""
        raise NotImplementedError

    def details(self, report: Report, row: Row) -> Sequence[Content]:
        """Return the details of a row."""
        raise NotImplementedError

    def show(self, report: Report) -> None:
        """Show a report, or a reloaded one; the first time, move the cursor to the evidence of the cause."""
        is_first = self.report is None
        self.report = report
        self.list.show(self.build_rows(report))
        if is_first:
            self.select_cause(report)

    def select_cause(self, report: Report) -> None:
        """Move the cursor to the evidence of the cause."""
        cause = report.root_cause
        if cause is not None:
            evidence = {(evidence.file, evidence.line) for evidence in cause.evidence}
            self.list.move_to(lambda row: row.key in evidence) or self.list.move_to(
                lambda row: row.is_failure and row.fields.get("step") == cause.step
            )

    def on_resize(self) -> None:
        """Show list and details side by side if they fit."""
        self.set_class(self.size.width >= WIDE, "-side")
        self._update_details()

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Show the details of the current row."""
        if message.lines.is_attached and message.lines is self.list:  # else the app is exiting
            self._update_details()

    def on_row_opened(self, message: RowOpened) -> None:
        """Open the details."""
        if message.lines is self.list:
            message.stop()
            self.open()

    def take_focus(self) -> None:
        """Focus the list."""
        self.list.focus()

    def open(self) -> None:
        """Show the details and focus them."""
        self.add_class("-open")
        self._update_details()
        self.page.focus()

    def close(self) -> bool:
        """Return to the list; return True if the details were open."""
        was_open = self.has_class("-open")
        self.remove_class("-open")
        if was_open or self.page.has_focus:
            self.list.focus()
        return was_open

    def _update_details(self) -> None:
        row = self.list.row
        if self.report is None or not (self.has_class("-side") or self.has_class("-open")):
            return
        lines = self.details(self.report, row) if row is not None else []
        key = row.key if row is not None else None
        if key == self._described:
            self.page.show(text_layout(lines))  # keeps the scroll position
        else:
            self._described = key
            self.page.show_lines(lines)

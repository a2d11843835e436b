"""A list with the details of its row: side by side where there is room, one in place of the other where there is not."""

from collections.abc import Hashable, Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content

from osiris_inspect.inspector.run.report import Report
from osiris_inspect.tui.widgets.line_list import CursorMoved, LineList, RowOpened
from osiris_inspect.tui.widgets.list_rows import Layout, Row, text_layout
from osiris_inspect.tui.widgets.text_view import TextView

WIDE = 120
"""Cells from which on list and details stand side by side."""


class ListDetailPane(Horizontal):
    """A list, and the details of the row under its cursor.

    A pane says how its rows are laid out and what the details of one are; the rest is here.
    """

    DEFAULT_CSS = """
    ListDetailPane > .main { width: 3fr; }
    ListDetailPane > TextView { width: 2fr; background: $surface; display: none; }
    ListDetailPane.-side > TextView { display: block; }
    ListDetailPane.-open > TextView { display: block; }
    ListDetailPane.-open > .main { display: none; }
    ListDetailPane.-side > .main { display: block; }
    """

    report: Report | None = None
    _filled: Hashable = None

    def compose(self) -> ComposeResult:
        """The list and the details."""
        yield self.create_list()
        yield TextView()

    def create_list(self) -> LineList:
        """The list, where a pane has one of its own."""
        return LineList(classes="main")

    @property
    def list(self) -> LineList:
        """The list."""
        return self.query_one(".main", LineList)

    @property
    def page(self) -> TextView:
        """The details."""
        return self.query_one(TextView)

    def build_rows(self, report: Report) -> Layout:
        """The rows of a report."""
        raise NotImplementedError

    def details(self, report: Report, row: Row) -> Sequence[Content]:
        """What is to be said of a row."""
        raise NotImplementedError

    def show(self, report: Report) -> None:
        """Show another report, or the same one read again; at first the cursor stands on what proves the cause."""
        is_first = self.report is None
        self.report = report
        self.list.show(self.build_rows(report))
        if is_first:
            self.select_cause(report)

    def select_cause(self, report: Report) -> None:
        """Put the cursor on what proves the cause."""
        cause = report.root_cause
        if cause is not None:
            proofs = {(evidence.file, evidence.line) for evidence in cause.evidence}
            self.list.move_to(lambda row: row.key in proofs) or self.list.move_to(
                lambda row: row.is_failure and row.fields.get("step") == cause.step
            )

    def on_resize(self) -> None:
        """Put list and details side by side where there is room."""
        self.set_class(self.size.width >= WIDE, "-side")
        self._update_details()

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Show the details of the row the cursor went to."""
        if message.lines is self.list:
            self._update_details()

    def on_row_opened(self, message: RowOpened) -> None:
        """Go into the details."""
        if message.lines is self.list:
            message.stop()
            self.open()

    def take_focus(self) -> None:
        """Go to the list."""
        self.list.focus()

    def open(self) -> None:
        """Show the details and put the focus there."""
        self.add_class("-open")
        self._update_details()
        self.page.focus()

    def close(self) -> bool:
        """Go back to the list; whether the details were open."""
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
        if key == self._filled:
            self.page.show(text_layout(lines))  # the same row read again: the reader stays where they are
        else:
            self._filled = key
            self.page.show_lines(lines)

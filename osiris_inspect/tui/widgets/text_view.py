"""Scrollable text: details, help, manuals."""

from collections.abc import Sequence

from textual.content import Content

from osiris_inspect.tui.widgets.line_list import LineList
from osiris_inspect.tui.widgets.list_rows import text_layout


class TextView(LineList):
    """Text without a visible cursor: moving scrolls, and a search scrolls its match to the top."""

    hides_rows = False

    def line_span(self, index: int) -> tuple[int, int]:
        """Return a span without lines: the cursor is the top line of the window and is not marked."""
        return index, 0

    def validate_cursor(self, cursor: int) -> int:
        """Return a cursor with which the window is filled."""
        return max(0, min(cursor, len(self) - self.page_height))

    def action_move(self, by: int) -> None:
        """Scroll by lines, starting from the position that the mouse wheel left."""
        self.cursor = self.scroll_offset.y
        self.cursor += by

    def _reveal(self) -> None:
        self.scroll_to(y=self.cursor, animate=False)

    def _lay_out(self, inner_width: int) -> None:
        if self.size:  # wrapping a text at width 0 is slow
            super()._lay_out(inner_width)
        else:
            self._laid_out_for = 0  # forces a layout when the size is known

    def show_lines(self, lines: Sequence[Content]) -> None:
        """Show a text from its beginning."""
        self.cursor = 0
        self.show(text_layout(lines))

    def action_copy(self) -> None:
        """Copy the whole text to the clipboard."""
        self.copy_text("\n".join(self.sheet.rows[number].text for number in range(len(self.sheet.rows))))

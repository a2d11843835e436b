"""Text to read: the details of something, the help, a manual."""

from collections.abc import Sequence

from textual.content import Content

from osiris_inspect.tui.widgets.line_list import COPY_LIMIT, LineList
from osiris_inspect.tui.widgets.list_rows import text_layout


class TextView(LineList):
    """Text to read: no cursor; moving scrolls, and a search puts its match at the top."""

    hides_rows = False

    def line_span(self, index: int) -> tuple[int, int]:
        """The cursor is the top line of the window and has no mark."""
        return index, 0

    def validate_cursor(self, cursor: int) -> int:
        """Never so far that the window would show less than it can."""
        return max(0, min(cursor, len(self) - self.page_height))

    def action_move(self, by: int) -> None:
        """Scroll by lines, from wherever the wheel of the mouse left the text."""
        self.cursor = self.scroll_offset.y
        self.cursor += by

    def action_page(self, by: int) -> None:
        """Scroll by a screenful."""
        self.action_move(by * max(1, self.page_height - 1))

    def _reveal(self) -> None:
        self.scroll_to(y=self.cursor, animate=False)

    def _lay_out(self, inner_width: int) -> None:
        if self.size:  # to fold a text at no width at all takes long and is for nobody
            super()._lay_out(inner_width)
        else:
            self._laid_out_for = 0  # as soon as it is seen, it is folded for the width it has then

    def show_lines(self, lines: Sequence[Content]) -> None:
        """Show a text from its beginning."""
        self.cursor = 0
        self.show(text_layout(lines))

    def action_copy(self) -> None:
        """Put the whole text on the clipboard."""
        text = "\n".join(row.text for row in self.sheet.rows)[:COPY_LIMIT]
        self.app.copy_to_clipboard(text)
        self.notify(f"copied {len(text):,} characters", markup=False)

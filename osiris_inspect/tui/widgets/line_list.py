"""List of lines with a cursor, of any length: the widget that every pane is made of.

Only the lines on the screen are painted, so the length does not matter. Moving, searching, filtering, copying and the
jumps to failures work the same way in every list.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING

from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.style import Style

from osiris_inspect.tui.drawing.symbols import MUTED
from osiris_inspect.tui.shared.key_bindings import bindings
from osiris_inspect.tui.widgets.list_rows import Layout, ListContent, Row
from osiris_inspect.tui.widgets.list_search import SearchableList
from osiris_inspect.tui.widgets.strips import highlight, scroll_strip, to_strip

MARGIN = 1
"""Cells left of each line, for the marks of the cursor and of marked rows."""

COPY_LIMIT = 50_000
"""Characters copied to the clipboard at most. Terminals silently drop longer escape sequences."""

_MAX_RESTORE_ROWS = 20_000
"""Rows searched for the row of the cursor after a reload."""

if TYPE_CHECKING:
    from osiris_inspect.inspector.event_log.filter.filter import EventFilter
    from osiris_inspect.tui.widgets.goto import JumpTarget


class ListMessage(Message):
    """Message of a list."""

    def __init__(self, lines: "LineList") -> None:
        super().__init__()
        self.lines = lines


class CursorMoved(ListMessage):
    """Notice that the cursor moved or the rows changed."""


class RowOpened(ListMessage):
    """Notice that the user opened the row under the cursor."""


class LineList(SearchableList, can_focus=True):
    """Rows with a cursor, a filter and marks.

    Attributes:
        hides_rows: True if a filter hides rows; if False, ``/`` only jumps to matches.
        active_filter: Last filter; ``n`` jumps to its matches.
        visible_rows: Numbers of the rows that the filter keeps; None without a filter.
        marked: Keys of the marked rows.
        end_time: Unix time from which relative times in a filter count; None if unknown.
        is_live: True while rows may still be added.
        is_paused: True if the cursor stays in place when rows are added at the end.
    """

    BINDINGS = bindings("list")
    DEFAULT_CSS = """
    LineList { overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; background: $background; }
    """

    cursor: reactive[int] = reactive(0, repaint=False)
    hides_rows = True

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002  Textual's name
        super().__init__(id=id, classes=classes)
        self._layout: Layout = lambda _width: ListContent()
        self._laid_out_for = -1
        self.sheet = ListContent()
        self.active_filter: EventFilter | None = None
        self.filter_text = ""
        self.visible_rows: Sequence[int] | None = None
        self._row_before_filter = 0
        self.marked: set[Hashable] = set()
        self.end_time: float | None = None
        self.is_live = self.is_paused = False
        self._shift = 0

    # ── content ──

    def show(self, layout: Layout) -> None:
        """Show other rows, or reloaded ones: the cursor stays on its row, or at the end if it was there."""
        before, was_at_end = self.row, self.follows
        self._layout = layout
        self._lay_out(self.inner_width)
        if self.visible_rows is not None:
            self.refilter()
        elif was_at_end:
            self.cursor = max(0, len(self) - 1)
        elif before is not None:
            self.cursor = self._restored_cursor(before)
        self._changed()

    def __len__(self) -> int:
        return len(self.sheet.rows) if self.visible_rows is None else len(self.visible_rows)

    def row_at(self, index: int) -> Row:
        """Return a visible row by its position."""
        return self.sheet.rows[index if self.visible_rows is None else self.visible_rows[index]]

    @property
    def row(self) -> Row | None:
        """Row under the cursor."""
        return self.row_at(self.cursor) if 0 <= self.cursor < len(self) else None

    @property
    def follows(self) -> bool:
        """True if the cursor moves to the end when rows are added."""
        return self.cursor > 0 and self.cursor >= len(self) - 1 and not self.is_paused

    def move_to(self, matches: Callable[[Row], bool]) -> bool:
        """Move the cursor to the first matching row of a short list; return True if there is one."""
        match = next((index for index in range(len(self)) if matches(self.row_at(index))), None)
        if match is not None:
            self.cursor = match
        return match is not None

    def go_to_row(self, number: int) -> None:
        """Move the cursor to a row by its number among all rows, or to the next visible one."""
        if self.visible_rows is None:
            self.cursor = number
        else:
            after = (index for index, row in enumerate(self.visible_rows) if row >= number)
            self.cursor = next(after, len(self) - 1)

    def go_to(self, target: "JumpTarget") -> str | None:
        """Move the cursor to a jump target; return an error message if the list has no such target."""
        total = len(self.sheet.rows)
        if target.kind == "line":
            self.go_to_row(max(0, int(target.value) - 1))
        elif target.kind == "share":
            self.go_to_row(round(target.value * max(0, total - 1)))
        else:
            return "These lines have no time"
        return None

    def relayout(self, width: int) -> None:
        """Lay the rows out for a list of ``width`` cells unless they are.

        Called while the list is arranged or painted, because the resize event comes after the first paint.
        """
        inner = max(1, width - MARGIN - 1)
        if inner != self._laid_out_for:
            self._lay_out(inner)

    def _lay_out(self, inner_width: int) -> None:
        self._laid_out_for = inner_width
        self.sheet = self._layout(inner_width)
        if self.visible_rows is not None:
            total = len(self.sheet.rows)
            self.visible_rows = [index for index in self.visible_rows if index < total]

    @property
    def inner_width(self) -> int:
        """Cells of a row, with room for a scrollbar."""
        return max(1, self.size.width - MARGIN - 1)

    def _restored_cursor(self, before: Row) -> int:
        if self.cursor < len(self) and self.row_at(self.cursor).key == before.key:
            return self.cursor
        candidates = range(min(len(self), _MAX_RESTORE_ROWS))
        match = (index for index in candidates if self.row_at(index).key == before.key)
        return next(match, min(self.cursor, max(0, len(self) - 1)))

    def _changed(self) -> None:
        self.virtual_size = Size(self.size.width, self.line_count + self.heading_height)
        self.watch_cursor()

    def on_resize(self, _event: events.Resize) -> None:
        """Lay the rows out again if the width changed."""
        self.relayout(self.size.width)
        self._changed()

    # ── painting; a list that is not a table overrides the first three ──

    @property
    def line_count(self) -> int:
        """Number of lines to paint."""
        return len(self)

    def line_at(self, line: int) -> Content:
        """Return a line to paint."""
        return self.row_at(line).content

    def line_span(self, index: int) -> tuple[int, int]:
        """Return the first line of a row and its number of lines."""
        return index, 1

    @property
    def heading_height(self) -> int:
        """Number of lines above the rows that do not scroll."""
        return 1 if self.sheet.heading is not None else 0

    def render_line(self, y: int) -> Strip:
        """Return the line at ``y`` of the window."""
        self.relayout(self.size.width)
        content, style = Content(""), self.visual_style
        line = y - self.heading_height + self.scroll_offset.y
        if y < self.heading_height and self.sheet.heading is not None:
            content = Content(" " * MARGIN) + self.sheet.heading.stylize_before(MUTED)
        elif line < self.line_count:
            content, style = self._with_cursor(line, style)
        strip = to_strip(content, style, self.app.stylesheet.parse_style)
        return scroll_strip(strip, MARGIN, self._shift).crop_extend(0, self.size.width, style.rich_style)

    def _with_cursor(self, line: int, base: Style) -> tuple[Content, Style]:
        content = highlight(self.line_at(line), self.highlight_terms)
        top, height = self.line_span(self.cursor) if len(self) else (0, 0)
        can_be_marked = bool(self.marked) and self.line_count == len(self)
        is_marked = can_be_marked and self.row_at(line).key in self.marked
        if not top <= line < top + height:
            return Content.styled("●" if is_marked else " " * MARGIN, "$state-live") + content, base
        mark = Content.styled("▌", "$primary" if self.has_focus else "$text-disabled")
        if is_marked:
            mark = Content.styled("◉", "$state-link")  # a text colour, because the sign must be readable
        ground = "on $cursor-line" if self.has_focus else "on $foreground 8%"
        return mark + content, base + self.app.stylesheet.parse_style(ground)

    @property
    def highlight_terms(self) -> Sequence[str]:
        """Words of the filter, which are highlighted."""
        return self.active_filter.highlight_terms if self.active_filter is not None else ()

    # ── moving ──

    @property
    def page_height(self) -> int:
        """Number of row lines that fit the window."""
        return max(1, self.size.height - self.heading_height)

    def validate_cursor(self, cursor: int) -> int:
        """Return a cursor inside the list."""
        return max(0, min(cursor, len(self) - 1))

    def watch_cursor(self) -> None:
        """Scroll to the cursor and report its position."""
        self._reveal()
        self.refresh()
        self.post_message(CursorMoved(self))

    def _reveal(self) -> None:
        if not self.size:
            return  # not arranged yet
        top, height = self.line_span(self.cursor) if len(self) else (0, 0)
        if top < self.scroll_offset.y:
            self.scroll_to(y=top, animate=False)
        elif top + height > self.scroll_offset.y + self.page_height:
            self.scroll_to(y=max(0, top + height - self.page_height), animate=False)

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self.cursor += by

    def action_page(self, by: int) -> None:
        """Move the cursor by a page."""
        self.action_move(by * max(1, self.page_height - 1))

    def action_half(self, by: int) -> None:
        """Move the cursor by half a page."""
        self.action_move(by * max(1, self.page_height // 2))

    def action_top(self) -> None:
        """Go to the first row."""
        self.cursor = 0

    def action_bottom(self) -> None:
        """Go to the last row."""
        self.is_paused = False
        self.cursor = len(self) - 1

    def action_follow(self) -> None:
        """Go to the end and follow new rows, or pause following."""
        if self.follows:
            self.is_paused = True
            self.notify("Paused (f to resume)", markup=False)
        else:
            self.action_bottom()
        self.post_message(CursorMoved(self))

    def action_shift(self, by: int) -> None:
        """Scroll sideways in lines that are longer than the window."""
        top = self.scroll_offset.y
        on_screen = range(top, min(top + self.page_height, self.line_count))
        longest = max((self.line_at(line).cell_length for line in on_screen), default=0)
        self._shift = max(0, min(self._shift + by, longest - self.inner_width))
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the mouse; a double click opens the row."""
        line = int(event.y) - self.heading_height + self.scroll_offset.y
        for index in range(len(self)) if self.line_count != len(self) else [line]:
            top, height = self.line_span(index)
            if top <= line < top + height and index < len(self):
                self.cursor = index
                if event.chain == 2:
                    self.action_open()

    # ── searching ──

    def set_filter(self, text: str) -> None:
        """Show only the rows that match ``text``. An empty text shows all rows; ``n`` keeps the last filter."""
        from osiris_inspect.inspector.event_log.filter.filter import parse_tolerant

        event_filter = parse_tolerant(text, now=self.end_time)
        if event_filter:
            self.active_filter, self.filter_text = event_filter, text
        if not self.hides_rows:
            self._changed()
        elif event_filter:
            self.filter_all(event_filter)
        else:
            self._show_all_rows()

    def highlight_matches(self, text: str) -> None:
        """Highlight the words of a search and hide no row; an empty text ends the search."""
        from osiris_inspect.inspector.event_log.filter.filter import parse_tolerant

        self.active_filter = parse_tolerant(text, now=self.end_time) or None
        self._changed()

    def refilter(self) -> None:
        """Apply the filter again."""
        self.set_filter(self.filter_text)

    def clear_filter(self) -> None:
        """Show all rows and forget the filter."""
        self._show_all_rows()
        self.active_filter, self.filter_text = None, ""
        self.refresh()

    def _show_all_rows(self) -> None:
        self.cancel_search()
        if self.visible_rows is None:
            return
        has_row = 0 <= self.cursor < len(self)
        row_number = self.visible_rows[self.cursor] if has_row else self._row_before_filter
        self.visible_rows = None
        self.cursor = row_number
        self._changed()

    def show_matches(self, row_numbers: Sequence[int], *, is_first: bool) -> None:
        """Show only these rows; ``is_first`` for the first result of a search, else it adds to the last one."""
        if is_first and 0 <= self.cursor < len(self):
            self._row_before_filter = (
                self.cursor if self.visible_rows is None else self.visible_rows[self.cursor]
            )
        self.visible_rows = row_numbers
        if is_first:
            after = (index for index, row in enumerate(row_numbers) if row >= self._row_before_filter)
            self.cursor = next(after, max(0, len(row_numbers) - 1))
        self._changed()

    def matches(self, event_filter: "EventFilter", row: Row) -> bool:
        """Return True if a filter keeps a row."""
        return event_filter.matches_row(row.text, row.fields)

    def action_match(self, by: int) -> None:
        """Go to the next match of the filter."""
        event_filter = self.active_filter
        if event_filter:
            self.find_next(by, lambda row: self.matches(event_filter, row), "match")
        else:
            self.notify("No search yet (press /)", markup=False)

    def action_failure(self, by: int) -> None:
        """Go to the next row that reports a failure."""
        self.find_next(by, lambda row: row.is_failure, "failure")

    def action_warning(self, by: int) -> None:
        """Go to the next row that reports a possible problem."""
        self.find_next(by, lambda row: row.is_warning, "warning")

    def action_same_step(self, by: int) -> None:
        """Go to the next row of the same step."""
        step = self.row.fields.get("step") if self.row else None
        if step is None:
            self.notify("This line has no step", markup=False)
        else:
            self.find_next(by, lambda row: row.fields.get("step") == step, "other line of this step")

    def action_mark(self) -> None:
        """Mark or unmark the row."""
        if self.row is not None:
            self.marked ^= {self.row.key}
            self.refresh()

    def action_marked(self, by: int) -> None:
        """Go to the next marked row."""
        if self.marked:
            self.find_next(by, lambda row: row.key in self.marked, "marked line")
        else:
            self.notify("No marks (press m)", markup=False)

    # ── actions on a row ──

    def action_open(self) -> None:
        """Open the row."""
        if self.row is not None:
            self.post_message(RowOpened(self))

    def action_copy(self) -> None:
        """Copy the text of the row to the clipboard."""
        if self.row is not None:
            self.copy_text(self.row.text)

    def copy_text(self, text: str) -> None:
        """Copy a text to the clipboard."""
        self.app.copy_to_clipboard(text[:COPY_LIMIT])

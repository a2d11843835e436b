"""A list of lines under a cursor, of any length: the one widget that every pane is made of.

Only the lines on the screen are painted, so ten million rows open as fast as ten. Moving, searching, filtering,
copying and the jumps to the next failure work alike wherever a list stands.
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
from osiris_inspect.tui.shared import key_bindings as keys
from osiris_inspect.tui.widgets.list_rows import Layout, ListContent, Row
from osiris_inspect.tui.widgets.list_search import SearchableList
from osiris_inspect.tui.widgets.strips import highlight, scroll_strip, to_strip

MARGIN = 1
"""Cells left of each line, where the mark of the cursor stands."""

COPY_LIMIT = 50_000
"""Characters that are put on the clipboard: terminals drop a longer escape sequence without a word."""


if TYPE_CHECKING:
    from osiris_inspect.inspector.event_log.filter.filter import EventFilter
    from osiris_inspect.tui.widgets.goto import JumpTarget


def _empty(_width: int) -> ListContent:
    return ListContent()


class ListMessage(Message):
    """What a list tells of itself."""

    def __init__(self, lines: "LineList") -> None:
        super().__init__()
        self.lines = lines

    @property
    def control(self) -> "LineList":
        """The list."""
        return self.lines


class CursorMoved(ListMessage):
    """The cursor of a list stands on another row, or the rows under it changed."""


class RowOpened(ListMessage):
    """Enter was pressed on the row under the cursor."""


class LineList(SearchableList, can_focus=True):
    """Rows, a cursor, a filter, marks.

    Attributes:
        wanted: what was last asked for; ``n`` walks its matches.
        shown: which rows a filter keeps, by number; None without a filter.
        marked: the keys of the rows that were marked.
        filters: whether a filter hides rows; where it does not, ``/`` only finds.
        ends: the moment that relative times in a filter count from, in seconds since 1970; None where there is none.
        is_live: whether rows may still come.
        is_paused: whether the cursor stays where it is when rows come, also at the end.
    """

    BINDINGS = keys.bindings("list")
    DEFAULT_CSS = """
    LineList {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        background: $background;
    }
    """

    cursor: reactive[int] = reactive(0, repaint=False)
    hides_rows = True

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002  Textual's name
        super().__init__(id=id, classes=classes)
        self._layout: Layout = _empty
        self._laid_out_for = -1
        self.sheet = ListContent()
        self.active_filter: EventFilter | None = None
        self.filter_text = ""
        self.visible_rows: Sequence[int] | None = None
        self._came_from = 0
        self.marked: set[Hashable] = set()
        self.end_time: float | None = None
        self.is_live = self.is_paused = False
        self._shift = 0

    # ── what is shown ──

    def show(self, layout: Layout) -> None:
        """Show other rows, or the same ones read again: the cursor stays on its row, or at the end if it was there."""
        before, at_end = self.row, self.follows
        self._layout = layout
        self._lay_out(self.inner_width)
        if self.visible_rows is not None:
            self.set_filter(self.filter_text)
        elif at_end:
            self.cursor = max(0, len(self) - 1)
        elif before is not None:
            self.cursor = self._restore_cursor(before)
        self._changed()

    def __len__(self) -> int:
        return len(self.sheet.rows) if self.visible_rows is None else len(self.visible_rows)

    def row_at(self, index: int) -> Row:
        """A row by its place among those that are shown."""
        return self.sheet.rows[index if self.visible_rows is None else self.visible_rows[index]]

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self.row_at(self.cursor) if 0 <= self.cursor < len(self) else None

    @property
    def follows(self) -> bool:
        """Whether the cursor goes along when rows come."""
        return self.cursor > 0 and self.cursor >= len(self) - 1 and not self.is_paused

    def move_to(self, active_filter: Callable[[Row], bool]) -> bool:
        """Put the cursor on the first row that is wanted; whether there is one. For lists that are short."""
        found = next((index for index in range(len(self)) if active_filter(self.row_at(index))), None)
        if found is not None:
            self.cursor = found
        return found is not None

    def go_to_row(self, number: int) -> None:
        """Put the cursor on a row by its number among all rows, or on the next one that is shown."""
        if self.visible_rows is None:
            self.cursor = number
        else:
            self.cursor = next(
                (at for at, row in enumerate(self.visible_rows) if row >= number), len(self) - 1
            )

    def go_to(self, place: "JumpTarget") -> str | None:
        """Put the cursor on a place that was typed; a complaint where there is none like it."""
        total = len(self.sheet.rows)
        if place.kind == "line":
            self.go_to_row(max(0, int(place.value) - 1))
        elif place.kind == "share":
            self.go_to_row(round(place.value * max(0, total - 1)))
        else:
            return "these lines have no time"
        return None

    def relayout(self, width: int) -> None:
        """Lay the rows out for a list that is so many cells wide, where they are not.

        Whoever arranges or paints the list asks for it, so that its first picture is true. The news that the size has
        changed comes only after that.
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
        """Cells there are for a row: as many with a scrollbar, which is part of the size, as without."""
        return max(1, self.size.width - MARGIN - 1)

    def _restore_cursor(self, before: Row) -> int:
        if self.cursor < len(self) and self.row_at(self.cursor).key == before.key:
            return self.cursor
        again = (index for index in range(min(len(self), 20_000)) if self.row_at(index).key == before.key)
        return next(again, min(self.cursor, max(0, len(self) - 1)))

    def _changed(self) -> None:
        self.virtual_size = Size(self.size.width, self.line_count + self.heading_height)
        self.refresh()
        self._reveal()
        self.post_message(CursorMoved(self))

    def on_resize(self, _event: events.Resize) -> None:
        """Lay the rows out again where the width changed."""
        self.relayout(self.size.width)
        self._changed()

    # ── painting; a list that is no table overrides the first three ──

    @property
    def line_count(self) -> int:
        """Lines there are to paint."""
        return len(self)

    def line_at(self, line: int) -> Content:
        """A line to paint."""
        return self.row_at(line).content

    def line_span(self, index: int) -> tuple[int, int]:
        """First line of a row, and how many it has."""
        return index, 1

    @property
    def heading_height(self) -> int:
        """Lines above the rows that do not scroll."""
        return 1 if self.sheet.heading is not None else 0

    def render_line(self, y: int) -> Strip:
        """The line at ``y`` of the window."""
        self.relayout(self.size.width)
        base = self.visual_style
        line = y - self.heading_height + self.scroll_offset.y
        if y < self.heading_height and self.sheet.heading is not None:
            content, style = Content(" " * MARGIN) + self.sheet.heading.stylize_before(MUTED), base
        elif line < self.line_count:
            content, style = self._with_cursor(line, base)
        else:
            content, style = Content(""), base
        strip = to_strip(content, style, self.app.stylesheet.parse_style)
        return scroll_strip(strip, MARGIN, self._shift).crop_extend(0, self.size.width, style.rich_style)

    def _with_cursor(self, line: int, base: Style) -> tuple[Content, Style]:
        content = highlight(self.line_at(line), self.wanted_words)
        top, height = self.line_span(self.cursor) if len(self) else (0, 0)
        is_marked = (
            bool(self.marked) and self.line_count == len(self) and self.row_at(line).key in self.marked
        )
        if not top <= line < top + height:
            return Content.styled("●" if is_marked else " " * MARGIN, "$state-live") + content, base
        mark = Content.styled("▌", "$primary" if self.has_focus else "$text-disabled")
        if is_marked:
            mark = Content.styled("◉", "$state-link")  # a sign of its own, so it must be as clear as a letter
        ground = "on $cursor-line" if self.has_focus else "on $foreground 8%"
        return mark + content, base + self.app.stylesheet.parse_style(ground)

    @property
    def wanted_words(self) -> Sequence[str]:
        """The words that are shown where they were found."""
        return self.active_filter.highlight_terms if self.active_filter is not None else ()

    # ── moving ──

    @property
    def page_height(self) -> int:
        """Lines of rows that fit."""
        return max(1, self.size.height - self.heading_height)

    def validate_cursor(self, cursor: int) -> int:
        """A cursor inside of the list."""
        return max(0, min(cursor, len(self) - 1))

    def watch_cursor(self) -> None:
        """Show where the cursor went."""
        self._reveal()
        self.refresh()
        self.post_message(CursorMoved(self))

    def _reveal(self) -> None:
        if not self.size:
            return  # nothing was arranged yet, and what is in the window is not known
        top, height = self.line_span(self.cursor) if len(self) else (0, 0)
        if top < self.scroll_offset.y:
            self.scroll_to(y=top, animate=False)
        elif top + height > self.scroll_offset.y + self.page_height:
            self.scroll_to(y=max(0, top + height - self.page_height), animate=False)

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self.cursor += by

    def action_page(self, by: int) -> None:
        """Move the cursor by a screenful."""
        self.cursor += by * max(1, self.page_height - 1)

    def action_half(self, by: int) -> None:
        """Move the cursor by half a screenful."""
        self.action_move(by * max(1, self.page_height // 2))

    def action_top(self) -> None:
        """Go to the first row."""
        self.cursor = 0

    def action_bottom(self) -> None:
        """Go to the last row."""
        self.is_paused = False
        self.cursor = len(self) - 1

    def action_follow(self) -> None:
        """Go to the end and along with it; a second time, stay while rows come."""
        if self.follows:
            self.is_paused = True
            self.notify("paused: f follows again", markup=False)
        else:
            self.action_bottom()
        self.post_message(CursorMoved(self))

    def action_shift(self, by: int) -> None:
        """Look at another part of lines that are longer than the window."""
        top = self.scroll_offset.y
        on_screen = range(top, min(top + self.page_height, self.line_count))
        longest = max((self.line_at(line).cell_length for line in on_screen), default=0)
        self._shift = max(0, min(self._shift + by, longest - self.inner_width))
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is; a second click opens."""
        line = int(event.y) - self.heading_height + self.scroll_offset.y
        for index in range(len(self)) if self.line_count != len(self) else [line]:
            top, height = self.line_span(index)
            if top <= line < top + height and index < len(self):
                self.cursor = index
                if event.chain == 2:
                    self.action_open()

    # ── finding ──

    def set_filter(self, text: str) -> None:
        """Keep only the rows that ``text`` asks for; an empty one shows all again. The last query stays for ``n``."""
        from osiris_inspect.inspector.event_log.filter.filter import parse_tolerant

        asked = parse_tolerant(text, now=self.end_time)
        if asked:
            self.active_filter, self.filter_text = asked, text
        if not self.hides_rows:
            self._changed()
        elif asked:
            self.filter_all(asked)
        else:
            self._unfilter()

    def refilter(self) -> None:
        """Look through all rows anew."""
        self.set_filter(self.filter_text)

    def clear_filter(self) -> None:
        """Forget filter and query."""
        self._unfilter()
        self.active_filter, self.filter_text = None, ""
        self.refresh()

    def _unfilter(self) -> None:
        self.cancel_search()
        if self.visible_rows is None:
            return
        place = (
            self.visible_rows[self.cursor] if 0 <= self.cursor < len(self.visible_rows) else self._came_from
        )
        self.visible_rows = None
        self.cursor = place
        self._changed()

    def show_matches(self, kept: Sequence[int], *, is_first: bool) -> None:
        """Show these rows, by number: the first ones a filter found, or the same and more."""
        if is_first:
            if 0 <= self.cursor < len(self):
                self._came_from = self.cursor if self.visible_rows is None else self.visible_rows[self.cursor]
            self.visible_rows = kept
            after = (at for at, index in enumerate(kept) if index >= self._came_from)
            self.cursor = next(after, max(0, len(kept) - 1))
        else:
            self.visible_rows = kept
        self._changed()

    def is_kept(self, active_filter: "EventFilter", row: Row) -> bool:
        """Whether a query keeps a row."""
        return active_filter.matches_row(row.text, row.fields)

    def action_match(self, by: int) -> None:
        """Go to the next match of the query."""
        wanted = self.active_filter
        if wanted:
            self.find_next(by, lambda row: self.is_kept(wanted, row), "match")
        else:
            self.notify("nothing was searched for yet: / asks", markup=False)

    def action_failure(self, by: int) -> None:
        """Go to the next row that tells of a failure."""
        self.find_next(by, lambda row: row.is_failure, "failure")

    def action_warning(self, by: int) -> None:
        """Go to the next row that tells of something that may be wrong."""
        self.find_next(by, lambda row: row.is_warning, "warning")

    def action_same_step(self, by: int) -> None:
        """Go to the next row of the step that the cursor is on."""
        step = self.row.fields.get("step") if self.row else None
        if step is None:
            self.notify("this line belongs to no step", markup=False)
        else:
            self.find_next(by, lambda row: row.fields.get("step") == step, "other line of this step")

    def action_mark(self) -> None:
        """Mark the row, or take its mark away."""
        if self.row is not None:
            self.marked ^= {self.row.key}
            self.refresh()

    def action_marked(self, by: int) -> None:
        """Go to the next marked row."""
        if self.marked:
            self.find_next(by, lambda row: row.key in self.marked, "marked line")
        else:
            self.notify("nothing is marked: m marks", markup=False)

    # ── what is done with a row ──

    def action_open(self) -> None:
        """Ask for the details of the row."""
        if self.row is not None:
            self.post_message(RowOpened(self))

    def action_copy(self) -> None:
        """Put the row's text on the clipboard by OSC 52, which also reaches through ssh."""
        if self.row is None:
            return
        text = self.row.text[:COPY_LIMIT]
        self.app.copy_to_clipboard(text)
        self.notify(f"copied {len(text):,} characters", markup=False)

"""Footer: cursor position, filter, important keys, and the filter box."""

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.tui.drawing.symbols import MUTED
from osiris_inspect.tui.shared.key_bindings import KEY_TABLE, Scope, hints
from osiris_inspect.tui.widgets.line_list import LineList
from osiris_inspect.tui.widgets.text_view import TextView

if TYPE_CHECKING:
    from osiris_inspect.tui.widgets.filter_box import FilterBox

GOTO_HINT = "line  12:03:04  +1.5  50%"
MIN_POSITION = 16
"""Cells of the position that hints leave free."""
KEPT_HINTS = 2
"""Hints at the end that are shown on a narrow screen too: the way back, and the help."""
SEARCH_HINT = "words to highlight; n next  N previous"


class Footer(Horizontal):
    """One line at the bottom of every screen."""

    DEFAULT_CSS = """
    Footer { dock: bottom; height: 1; background: $panel; }
    Footer #position { width: 1fr; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    Footer #hints { width: auto; padding: 0 1; color: $state-beside; }
    Footer.-asking FilterBox { display: block; }
    Footer.-asking #position { width: auto; }
    Footer.-asking #hints { display: none; }
    """

    def __init__(self, scopes: tuple[Scope, ...]) -> None:
        super().__init__()
        self._scopes = self._screen_scopes = scopes

    def compose(self) -> ComposeResult:
        """Position and hints; the filter box is added after they are painted."""
        yield Static(id="position", markup=False)
        yield Static(self._hints(), id="hints", markup=False)

    def on_mount(self) -> None:
        """Create the filter box in advance."""
        self.call_after_refresh(self._create_box)

    def _create_box(self) -> None:
        if self.is_attached:  # the app may have ended meanwhile
            self._box()

    def _box(self) -> "FilterBox":
        from osiris_inspect.tui.widgets.filter_box import FilterBox

        for box in self.query(FilterBox):
            return box
        box = FilterBox()
        self.mount(box, after=0)
        return box

    def _hints(self) -> Content:
        table = getattr(self.app, "keys", KEY_TABLE)
        keys = [Content.assemble((key, "bold"), " ", word) for key, word in hints(self._scopes, table)]
        width = self.size.width - MIN_POSITION - 2
        while self.size.width and len(keys) > KEPT_HINTS and Content("  ").join(keys).cell_length > width:
            del keys[-1 - KEPT_HINTS]
        return Content("  ").join(keys)

    def on_resize(self) -> None:
        """Show as many hints as fit beside the position."""
        self.query_one("#hints", Static).update(self._hints())

    def show(self, lines: LineList | None, scopes: tuple[Scope, ...] | None = None) -> None:
        """Show the cursor position in a list, and the keys of ``scopes`` if they differ from the screen's."""
        is_asking = self.has_class("-asking")
        position = Content("") if lines is None else _position_text(lines, is_asking=is_asking)
        self.query_one("#position", Static).update(position)
        if (scopes or self._screen_scopes) != self._scopes:
            self._scopes = scopes or self._screen_scopes
            self.query_one("#hints", Static).update(self._hints())

    def open_input(self, text: str, hint: str = "") -> None:
        """Open the filter box with this text."""
        self.add_class("-asking")
        self._box().ask(text, hint)

    def close(self) -> None:
        """Close the filter box."""
        self.remove_class("-asking")


def _position_text(lines: LineList, *, is_asking: bool) -> Content:
    if isinstance(lines, TextView):
        if len(lines) <= lines.page_height:
            return Content("")
        last = min(len(lines), lines.cursor + lines.page_height)
        return Content.styled(f"line {last:,} of {len(lines):,}", MUTED)
    is_searching = lines.visible_rows is not None and lines.search_progress < 1
    nothing = "no match yet" if is_searching else "no lines" if lines.visible_rows is None else "no match"
    position = f"{lines.cursor + 1:,}/{len(lines):,}" if len(lines) else nothing
    if is_searching:
        position += f"  … {100 * lines.search_progress:.0f} % searched"
    if lines.is_live:
        position += "  ⏸ paused" if lines.is_paused else "  ⇣ following" if lines.follows else ""
    if lines.visible_rows is None:
        return Content(position)
    active_filter = Content.assemble(("  / ", "bold $state-live"), show_line(lines.filter_text, 60))
    total = f" of {len(lines.sheet.rows):,}"
    return Content.assemble(position, (total, MUTED), "" if is_asking else active_filter)

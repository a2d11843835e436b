"""The last line: where the cursor is, what is filtered, which keys matter; and the box to type a filter in."""

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.tui.drawing import symbols as marks
from osiris_inspect.tui.shared import key_bindings as keys
from osiris_inspect.tui.widgets.line_list import LineList
from osiris_inspect.tui.widgets.text_view import TextView

if TYPE_CHECKING:
    from osiris_inspect.tui.widgets.filter_box import FilterBox

GOTO_HINT = "line  12:03:04  +1.5  50%"


class Footer(Horizontal):
    """One line at the bottom of every screen."""

    DEFAULT_CSS = """
    Footer { dock: bottom; height: 1; background: $panel; }
    Footer #place { width: 1fr; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    Footer #hints { width: auto; padding: 0 1; color: $state-beside; }
    Footer.-asking FilterBox { display: block; }
    Footer.-asking #place { width: auto; }
    Footer.-asking #hints { display: none; }
    """

    def __init__(self, scopes: tuple[keys.Scope, ...]) -> None:
        super().__init__()
        self._scopes = self._screens = scopes

    def compose(self) -> ComposeResult:
        """Place and hints; the filter box comes when they are seen."""
        yield Static(id="place", markup=False)
        yield Static(self._hints(), id="hints", markup=False)

    def on_mount(self) -> None:
        """Have the filter box at hand before it is asked for."""
        self.call_after_refresh(self._box)

    def _box(self) -> "FilterBox":
        from osiris_inspect.tui.widgets.filter_box import FilterBox

        for box in self.query(FilterBox):
            return box
        box = FilterBox()
        self.mount(box, after=0)
        return box

    def _hints(self) -> Content:
        table = getattr(self.app, "keys", keys.KEY_TABLE)
        parts = [Content.assemble((key, "bold"), " ", word) for key, word in keys.hints(self._scopes, table)]
        return Content("  ").join(parts)

    def show(self, lines: LineList | None, scopes: tuple[keys.Scope, ...] | None = None) -> None:
        """Say where in this list the cursor is, and name other keys than those of the screen where others are at work."""
        self.query_one("#place", Static).update(Content("") if lines is None else _position_text(lines))
        if (scopes or self._screens) != self._scopes:
            self._scopes = scopes or self._screens
            self.query_one("#hints", Static).update(self._hints())

    def open_input(self, text: str, hint: str = "") -> None:
        """Open the box with this in it."""
        self.add_class("-asking")
        self._box().ask(text, hint)

    def close(self) -> None:
        """Close the filter box."""
        self.remove_class("-asking")


def _position_text(lines: LineList) -> Content:
    if isinstance(lines, TextView):
        if len(lines) <= lines.page_height:
            return Content("")
        last = min(len(lines), lines.cursor + lines.page_height)
        return Content.styled(f"line {last:,} of {len(lines):,}", marks.MUTED)
    is_looking = lines.visible_rows is not None and lines.search_progress < 1
    at = (
        f"{lines.cursor + 1:,}/{len(lines):,}"
        if len(lines)
        else "nothing yet"
        if is_looking
        else "nothing here"
    )
    if is_looking:
        at += f"  … {100 * lines.search_progress:.0f} % looked at"
    if lines.is_live:
        at += "  ⏸ paused" if lines.is_paused else "  ⇣ following" if lines.follows else ""
    if lines.visible_rows is None:
        return Content(at)
    of_all = f" of {len(lines.sheet.rows):,}"
    return Content.assemble(
        at, (of_all, marks.MUTED), ("  / ", "bold $state-live"), show_line(lines.filter_text, 60)
    )

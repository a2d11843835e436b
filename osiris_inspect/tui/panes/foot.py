"""The last line: where the cursor is, what is filtered, which keys matter; and the box to type a filter in."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from osiris_inspect.tui import inert, keys, marks
from osiris_inspect.tui.lines import LineList
from osiris_inspect.tui.page import Page

FILTER_HINT = "words  -word  step=…  event=…  key=value"
PLACE_HINT = "line  12:03:04  +1.5  50%"


class FilterBox(Input):
    """Where a filter is typed; every letter takes effect at once."""

    BINDINGS = keys.bindings("filter")
    DEFAULT_CSS = "FilterBox { display: none; width: 1fr; }"

    class Left(Message):
        """The box was left; ``is_kept`` where the filter stays."""

        def __init__(self, *, is_kept: bool) -> None:
            super().__init__()
            self.is_kept = is_kept

    def action_leave(self) -> None:
        """Drop the filter."""
        self.post_message(self.Left(is_kept=False))

    def action_keep(self) -> None:
        """Keep the filter."""
        self.post_message(self.Left(is_kept=True))


class Foot(Horizontal):
    """One line at the bottom of every screen."""

    DEFAULT_CSS = """
    Foot { dock: bottom; height: 1; background: $panel; }
    Foot #place { width: 1fr; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    Foot #hints { width: auto; padding: 0 1; color: $state-beside; }
    Foot.-asking FilterBox { display: block; }
    Foot.-asking #place { width: auto; }
    Foot.-asking #hints { display: none; }
    """

    def __init__(self, scopes: tuple[keys.Scope, ...]) -> None:
        super().__init__()
        self._scopes = scopes

    def compose(self) -> ComposeResult:
        """Place, filter box, hints."""
        yield Static(id="place", markup=False)
        yield FilterBox(compact=True, placeholder=FILTER_HINT, select_on_focus=False)
        yield Static(self._hints(), id="hints", markup=False)

    def _hints(self) -> Content:
        parts = [Content.assemble((key, "bold"), " ", word) for key, word in keys.hints(self._scopes)]
        return Content("  ").join(parts)

    def show(self, lines: LineList | None) -> None:
        """Say where in this list the cursor is."""
        self.query_one("#place", Static).update(Content("") if lines is None else _place(lines))

    def ask(self, text: str, hint: str = FILTER_HINT) -> None:
        """Open the box with this in it."""
        self.add_class("-asking")
        box = self.query_one(FilterBox)
        box.placeholder = hint
        with box.prevent(Input.Changed):
            box.value = text
        box.focus()

    def close(self) -> None:
        """Close the filter box."""
        self.remove_class("-asking")


def _place(lines: LineList) -> Content:
    if isinstance(lines, Page):
        if len(lines) <= lines.page_height:
            return Content("")
        last = min(len(lines), lines.cursor + lines.page_height)
        return Content.styled(f"line {last:,} of {len(lines):,}", marks.MUTED)
    at = f"{lines.cursor + 1:,}/{len(lines):,}" if len(lines) else "nothing here"
    if lines.is_live:
        at += "  ⏸ paused" if lines.is_paused else "  ⇣ following" if lines.follows else ""
    if lines.shown is None:
        return Content(at)
    of_all = f" of {len(lines.sheet.rows):,}"
    return Content.assemble(
        at, (of_all, marks.MUTED), ("  / ", "bold $state-live"), inert.line(lines.filter_text, 60)
    )

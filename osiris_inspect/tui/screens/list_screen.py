"""Base of every screen: list, filter box, footer and the keys to go back."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from textual.app import ComposeResult, SuspendNotSupported
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.tui.shared.host_services import NO_HOST, HostServices
from osiris_inspect.tui.shared.key_bindings import Scope, bindings
from osiris_inspect.tui.widgets.footer import GOTO_HINT, SEARCH_HINT, Footer
from osiris_inspect.tui.widgets.line_list import CursorMoved, LineList

if TYPE_CHECKING:
    from textual.widgets import Input

    from osiris_inspect.tui.widgets.filter_box import FilterBox

_LIST_ACTIONS = ("compare", "copy_prove", "edit", "preview", "sort")
"""Actions of screens with a title that need their list."""

InputKind = Literal["filter", "search", "goto"]


class ListScreen(Screen[None]):
    """Screen with one current list."""

    BINDINGS = bindings("screen")
    AUTO_FOCUS = ""

    _input_target: LineList | None = None
    _input_kind: InputKind = "filter"

    def on_mount(self) -> None:
        """Fill the screen, unless it was closed before its widgets were created, as by keys typed ahead."""
        if self.query(Footer):
            self.start()

    def start(self) -> None:
        """Show the content of the screen, or start to read it; its widgets exist."""

    @property
    def host(self) -> HostServices:
        """Services outside the terminal UI."""
        host = getattr(self.app, "host", NO_HOST)
        return host if isinstance(host, HostServices) else NO_HOST

    @property
    def main_list(self) -> LineList | None:
        """List that keys apply to if no other list has the focus."""
        return self.query_one(LineList)

    @property
    def lines(self) -> LineList | None:
        """Current list; None while the widgets of the screen are created or removed."""
        if not self.query(LineList):
            return None
        return self.focused if isinstance(self.focused, LineList) else self.main_list

    def show_error(self, text: object) -> None:
        """Notify the user of an error."""
        self.notify(show_line(str(text), 600), severity="error", markup=False)

    def close_details(self) -> bool:
        """Close the open details; return True if there were any."""
        return False

    def action_back(self, may_quit: bool) -> None:
        """Clear the filter, close the details or go to the previous screen; ``q`` on the first screen quits."""
        lines = self.main_list if self.query(LineList) else None
        if not may_quit and lines is not None and lines.visible_rows is not None:
            lines.clear_filter()
        elif self.close_details():
            self._update_footer()
        elif any(isinstance(screen, ListScreen) for screen in self.app.screen_stack[:-1]):
            self.app.pop_screen()
        elif may_quit:
            self.app.exit()

    # ── filter and jumps ──

    def action_filter(self) -> None:
        """Open the filter box for the current list."""
        self._open_input("filter")

    def action_search(self) -> None:
        """Ask for words to highlight in the current list."""
        if self.lines is not None:
            self.lines.clear_filter()
        self._open_input("search", SEARCH_HINT)

    def action_goto(self) -> None:
        """Ask for a jump target in the current list."""
        self._open_input("goto", GOTO_HINT)

    def _open_input(self, kind: InputKind, hint: str = "") -> None:
        self._input_target, self._input_kind = self.lines, kind
        if self._input_target is not None:
            text = self._input_target.filter_text if kind == "filter" else ""
            self.query_one(Footer).open_input(text, hint)

    def on_input_changed(self, event: "Input.Changed") -> None:
        """Apply the filter while the user types."""
        event.stop()
        if self._input_target is not None and self._input_kind == "filter":
            self._input_target.set_filter(event.value)
        elif self._input_target is not None and self._input_kind == "search":
            self._input_target.highlight_matches(event.value)

    def on_input_submitted(self, event: "Input.Submitted") -> None:
        """Keep the filter, or go to the target."""
        event.stop()
        if self._input_kind == "goto":
            self._go(event.value.strip())
        else:
            self._leave_filter(is_kept=True)

    def _go(self, text: str) -> None:
        from osiris_inspect.tui.widgets.goto import parse_target

        lines, target = self._close_input(), parse_target(text)
        if lines is None or not text:
            return
        error = (
            lines.go_to(target) if target is not None else f"Not a line, time or percentage: {text[:40]!r}"
        )
        if error:
            self.notify(error, markup=False)

    def _close_input(self) -> LineList | None:
        """Close the filter box; return the list that it was opened for."""
        lines, self._input_target = self._input_target, None
        if lines is not None:
            lines.focus()
        self.query_one(Footer).close()
        return lines

    def on_filter_box_left(self, message: "FilterBox.Left") -> None:
        """Keep or drop the filter."""
        self._leave_filter(is_kept=message.is_kept)

    def _leave_filter(self, *, is_kept: bool) -> None:
        lines = self._close_input()
        if lines is None or self._input_kind == "goto":
            return
        if not is_kept:
            lines.clear_filter()
        elif self._input_kind == "search" or not lines.hides_rows:
            lines.action_match(1)

    # ── actions that depend on the screen ──

    def file_position(self) -> tuple[Path, int] | None:
        """Return the file and line of the current row; None if it has none."""
        return None

    def action_preview(self) -> None:
        """Preview a frame; the screens that show frames override this."""
        self.notify("Nothing to preview here", markup=False)

    def action_edit(self) -> None:
        """Open the file of the current row in the user's editor."""
        position = self.file_position()
        if position is None:
            self.notify("This line is not in a file", markup=False)
        else:
            self._edit(*position)

    def _edit(self, file: Path, line: int) -> None:
        edit = self.host.edit
        if edit is None:
            self.notify("No editor: set $EDITOR", markup=False)
            return
        try:
            with self.app.suspend():
                error = edit(file, line)
        except SuspendNotSupported:
            error = "This terminal cannot start an editor"
        if error:
            self.show_error(error)

    # ── footer ──

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Show the position of the cursor."""
        if message.lines.is_attached and message.lines is self.lines:
            self._update_footer()

    def on_descendant_focus(self) -> None:
        """Show the position of the cursor in the focused list."""
        self._update_footer()

    def _update_footer(self) -> None:
        self.query_one(Footer).show(self.lines, getattr(self.focused, "FOOTER_SCOPES", None))


class TitledScreen(ListScreen):
    """Screen with a title above one list."""

    SCOPES: tuple[Scope, ...] = ("screen", "list", "app")
    DEFAULT_CSS = """
    TitledScreen #title { height: auto; padding: 0 1; background: $panel; text-wrap: nowrap; text-overflow: ellipsis; }
    TitledScreen LineList { height: 1fr; }
    """

    def compose(self) -> ComposeResult:
        """Yield title, lists and footer."""
        yield Static(id="title", markup=False)
        yield from self.create_lists()
        yield Footer(self.SCOPES)

    def create_lists(self) -> list[LineList]:
        """Return the lists of the screen; the first one is the main list."""
        return [LineList()]

    @property
    def main_list(self) -> LineList:
        """List below the title."""
        return self.query(LineList).first()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return False for an action on the list while the list is created or removed, as for keys typed ahead."""
        if action in _LIST_ACTIONS and not self.query(LineList):
            return False
        return super().check_action(action, parameters)

    def set_title(self, title: Content) -> None:
        """Show a title."""
        self.query_one("#title", Static).update(title)

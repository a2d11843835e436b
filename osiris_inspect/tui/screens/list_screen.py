"""What every screen of lists has: the filter box, the foot, the ways back."""

from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported
from textual.screen import Screen

from osiris_inspect.tui.shared import key_bindings as keys
from osiris_inspect.tui.shared.host_services import NO_HOST, HostServices
from osiris_inspect.tui.widgets.footer import GOTO_HINT, Footer
from osiris_inspect.tui.widgets.line_list import CursorMoved, LineList

if TYPE_CHECKING:
    from textual.widgets import Input

    from osiris_inspect.tui.widgets.filter_box import FilterBox


class ListScreen(Screen[None]):
    """A screen on which one list at a time is worked with."""

    BINDINGS = keys.bindings("screen")
    AUTO_FOCUS = ""

    @property
    def host(self) -> HostServices:
        """The world beyond the terminal."""
        told = getattr(self.app, "host", NO_HOST)
        return told if isinstance(told, HostServices) else NO_HOST

    @property
    def main_list(self) -> LineList | None:
        """The list that keys go to when nothing else has the focus."""
        raise NotImplementedError

    @property
    def lines(self) -> LineList | None:
        """The list that is worked with."""
        return self.focused if isinstance(self.focused, LineList) else self.main_list

    def close_details(self) -> bool:
        """Close what is open on this screen; whether something was."""
        return False

    # ── the ways back ──

    def action_back(self, may_quit: bool) -> None:
        """Go back by one: filter, detail, screen; at the first screen only ``q`` quits."""
        lines = self.main_list
        if not may_quit and lines is not None and lines.visible_rows is not None:
            lines.clear_filter()
        elif self.close_details():
            self._update_footer()
        elif any(isinstance(screen, ListScreen) for screen in self.app.screen_stack[:-1]):
            self.app.pop_screen()
        elif may_quit:
            self.app.exit()

    # ── the filter ──

    def action_filter(self) -> None:
        """Open the filter box for the list that is worked with."""
        self._input_target = self.lines
        if self._input_target is not None:
            self.query_one(Footer).open_input(self._input_target.filter_text)

    _input_target: LineList | None = None
    _asked_place = False

    def action_goto(self) -> None:
        """Ask where to go in the list that is worked with."""
        self._input_target, self._asked_place = self.lines, True
        if self._input_target is not None:
            self.query_one(Footer).open_input("", GOTO_HINT)

    def on_input_changed(self, event: "Input.Changed") -> None:
        """Filter while it is typed."""
        event.stop()
        if self._input_target is not None and not self._asked_place:
            self._input_target.set_filter(event.value)

    def on_input_submitted(self, event: "Input.Submitted") -> None:
        """Keep the filter, or go to the place."""
        event.stop()
        if self._asked_place:
            self._go(event.value)
        else:
            self._leave_filter(is_kept=True)

    def _go(self, text: str) -> None:
        from osiris_inspect.tui.widgets.goto import parse_target

        lines, place = self._input_target, parse_target(text)
        self._close_input()
        if lines is None or not text.strip():
            return
        complaint = lines.go_to(place) if place is not None else f"no line and no time: {text.strip()[:40]}"
        if complaint:
            self.notify(complaint, markup=False)

    def _close_input(self) -> LineList | None:
        """Close the box, whatever was asked; the list it was asked for."""
        lines, self._input_target, self._asked_place = self._input_target, None, False
        if lines is not None:
            lines.focus()
        self.query_one(Footer).close()
        return lines

    # ── the editor ──

    def file_position(self) -> tuple[Path, int] | None:
        """The file and the line that the cursor is on; None where it is on no line of a file."""
        return None

    def action_preview(self) -> None:
        """Look into a frame, on screens that know of one."""
        self.notify("no frame here", markup=False)

    def action_edit(self) -> None:
        """Open the file at the line in the user's editor."""
        place, edit = self.file_position(), self.host.edit
        if place is None or edit is None:
            self.notify(
                "no line of a file here" if place is None else "no editor: $EDITOR names none", markup=False
            )
            return
        try:
            with self.app.suspend():
                complaint = edit(*place)
        except SuspendNotSupported:
            complaint = "this terminal cannot be lent to an editor"
        if complaint:
            self.notify(complaint, severity="error", markup=False)

    def on_filter_box_left(self, message: "FilterBox.Left") -> None:
        """Keep or drop the filter."""
        self._leave_filter(is_kept=message.is_kept)

    def _leave_filter(self, *, is_kept: bool) -> None:
        is_place, lines = self._asked_place, self._close_input()
        if lines is None or is_place:
            return
        if not is_kept:
            lines.clear_filter()
        elif not lines.hides_rows:
            lines.action_match(1)

    # ── the foot ──

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Say where the cursor is."""
        if message.lines is self.lines:
            self._update_footer()

    def on_descendant_focus(self) -> None:
        """Say where the cursor is in the list that got the focus."""
        self._update_footer()

    def _update_footer(self) -> None:
        self.query_one(Footer).show(self.lines, getattr(self.focused, "KEYS_AT_WORK", None))

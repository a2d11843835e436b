"""What every screen of lists has: the filter box, the foot, the ways back."""

from textual.screen import Screen
from textual.widgets import Input

from osiris_inspect.tui import keys
from osiris_inspect.tui.lines import LineList
from osiris_inspect.tui.messages import CursorMoved
from osiris_inspect.tui.panes.foot import FilterBox, Foot


class ListScreen(Screen[None]):
    """A screen on which one list at a time is worked with."""

    BINDINGS = keys.bindings("screen")
    AUTO_FOCUS = ""

    @property
    def main_list(self) -> LineList | None:
        """The list that keys go to when nothing else has the focus."""
        raise NotImplementedError

    @property
    def lines(self) -> LineList | None:
        """The list that is worked with."""
        return self.focused if isinstance(self.focused, LineList) else self.main_list

    def step_back(self) -> bool:
        """Close what is open on this screen; whether something was."""
        return False

    # ── the ways back ──

    def action_back(self, may_quit: bool) -> None:
        """Go back by one: filter, detail, screen; at the first screen only ``q`` quits."""
        lines = self.main_list
        if not may_quit and lines is not None and lines.shown is not None:
            lines.forget()
        elif self.step_back():
            self._tell()
        elif len(self.app.screen_stack) > 2:  # the app's own screen lies under the first one
            self.app.pop_screen()
        elif may_quit:
            self.app.exit()

    # ── the filter ──

    def action_ask_filter(self) -> None:
        """Open the filter box for the list that is worked with."""
        self._asked = self.lines
        if self._asked is not None:
            self.query_one(Foot).ask(self._asked.filter_text)

    _asked: LineList | None = None

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while it is typed."""
        event.stop()
        if self._asked is not None:
            self._asked.set_filter(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter."""
        event.stop()
        self._leave_filter(is_kept=True)

    def on_filter_box_left(self, message: FilterBox.Left) -> None:
        """Keep or drop the filter."""
        self._leave_filter(is_kept=message.is_kept)

    def _leave_filter(self, *, is_kept: bool) -> None:
        lines, self._asked = self._asked, None
        if lines is not None:
            if not is_kept:
                lines.forget()
            elif not lines.filters:
                lines.action_match(1)
            lines.focus()
        self.query_one(Foot).close()

    # ── the foot ──

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Say where the cursor is."""
        if message.lines is self.lines:
            self._tell()

    def on_descendant_focus(self) -> None:
        """Say where the cursor is in the list that got the focus."""
        self._tell()

    def _tell(self) -> None:
        self.query_one(Foot).show(self.lines)

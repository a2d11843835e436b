"""The box that filters and places are typed into. It is loaded when the first screen stands, so that it stands sooner."""

from textual.message import Message
from textual.widgets import Input

from osiris_inspect.tui.shared import key_bindings as keys

FILTER_HINT = "words  -word  step=…  event=…  key=value"


class FilterBox(Input):
    """Where a filter is typed; every letter takes effect at once."""

    BINDINGS = keys.bindings("filter")
    DEFAULT_CSS = "FilterBox { display: none; width: 1fr; }"

    class Left(Message):
        """The box was left; ``is_kept`` where the filter stays."""

        def __init__(self, *, is_kept: bool) -> None:
            super().__init__()
            self.is_kept = is_kept

    def __init__(self) -> None:
        super().__init__(compact=True, placeholder=FILTER_HINT, select_on_focus=False)

    def ask(self, text: str, hint: str) -> None:
        """Take the focus, with this in the box."""
        self.placeholder = hint or FILTER_HINT
        with self.prevent(Input.Changed):
            self.value = text
        self.focus()

    def action_leave(self) -> None:
        """Drop the filter."""
        self.post_message(self.Left(is_kept=False))

    def action_keep(self) -> None:
        """Keep the filter."""
        self.post_message(self.Left(is_kept=True))

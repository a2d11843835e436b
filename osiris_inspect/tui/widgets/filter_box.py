"""Input for filters and jump targets. Loaded after the first screen is painted."""

from textual.message import Message
from textual.widgets import Input

from osiris_inspect.tui.shared.key_bindings import bindings

FILTER_HINT = "words  -word  step=…  event=…  key=value"


class FilterBox(Input):
    """Input for a filter, which is applied at every key press."""

    BINDINGS = bindings("filter")
    DEFAULT_CSS = "FilterBox { display: none; width: 1fr; }"

    class Left(Message):
        """Notice that the user left the box; ``is_kept`` if the filter stays."""

        def __init__(self, *, is_kept: bool) -> None:
            super().__init__()
            self.is_kept = is_kept

    def __init__(self) -> None:
        super().__init__(compact=True, placeholder=FILTER_HINT, select_on_focus=False)

    def ask(self, text: str, hint: str) -> None:
        """Take the focus with this text and placeholder."""
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

"""The line of tabs: one row, a number to press before each name, how much is in it behind."""

from collections.abc import Sequence

from textual import events
from textual.content import Content
from textual.widget import Widget

from osiris_inspect.tui.drawing import symbols as marks
from osiris_inspect.tui.shared.key_bindings import TABS
from osiris_inspect.tui.shared.messages import TabChosen


def _labelled(counts: Sequence[str]) -> list[str]:
    return [
        f" {number} {name}{count} " for number, (name, count) in enumerate(zip(TABS, counts, strict=True), 1)
    ]


def _short_count(count: int) -> str:
    """A count in at most four characters, rounded down: ``999``, ``12k``, ``3M``."""
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if count >= size:
            return f"{count // size}{unit}"
    return str(count)


class TabBar(Widget):
    """Names of the tabs; ``active`` counts from 1."""

    DEFAULT_CSS = """
    TabBar { height: 1; background: $surface; text-wrap: nowrap; text-overflow: clip; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.active = 1
        self._counts: Sequence[int | None] = [None] * len(TABS)

    def show(self, active: int, counts: Sequence[int | None] | None = None) -> None:
        """Show which tab is open; ``counts`` where they changed."""
        self.active = active
        self._counts = self._counts if counts is None else counts
        self.refresh()

    def render(self) -> Content:
        """As much as there is room for."""
        parts = [
            Content.styled(text, "bold reverse" if number == self.active else marks.MUTED)
            for number, text in enumerate(self._texts(), start=1)
        ]
        return Content("").join(parts)

    def _texts(self) -> list[str]:
        """The texts of the tabs: with what is in each, in round figures where that is too long, or else without."""
        texts = _labelled([f" {count:,}" if count is not None else "" for count in self._counts])
        if self._is_too_long(texts):
            texts = _labelled(
                [f" {_short_count(count)}" if count is not None else "" for count in self._counts]
            )
        return _labelled([""] * len(TABS)) if self._is_too_long(texts) else texts

    def _is_too_long(self, texts: Sequence[str]) -> bool:
        return 0 < self.size.width < sum(map(len, texts))

    def on_click(self, event: events.Click) -> None:
        """Open the tab under the mouse."""
        end = 0
        for number, text in enumerate(self._texts(), start=1):
            end += len(text)
            if event.x < end:
                self.post_message(TabChosen(number))
                return

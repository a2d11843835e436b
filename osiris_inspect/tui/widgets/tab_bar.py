"""Tab bar: one line with the number, name and item count of each tab."""

from collections.abc import Sequence

from textual import events
from textual.content import Content
from textual.widget import Widget

from osiris_inspect.tui.drawing.symbols import MUTED
from osiris_inspect.tui.shared.key_bindings import TABS
from osiris_inspect.tui.shared.messages import TabChosen


def _short_count(count: int) -> str:
    """Return a count in at most four characters, rounded down: ``999``, ``12k``, ``3M``."""
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if count >= size:
            return f"{count // size}{unit}"
    return str(count)


def _cut(name: str, length: int) -> str:
    return name if len(name) <= length else f"{name[: length - 1]}…"


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
        """Show which tab is open; ``counts`` if they changed."""
        self.active = active
        self._counts = self._counts if counts is None else counts
        self.refresh()

    def render(self) -> Content:
        """Return the line of tabs."""
        return Content("").join(
            Content.styled(label, "bold reverse" if number == self.active else MUTED)
            for number, label in enumerate(self._labels(), start=1)
        )

    def _labels(self) -> list[str]:
        """Return the labels with exact counts, short counts or no counts, or cut, whichever fits first."""
        labels: list[str] = []
        for form in ("{:,}".format, _short_count, lambda _count: ""):
            counts = ["" if count is None else f" {form(count)}".rstrip() for count in self._counts]
            labels = [
                f" {n} {name}{count} " for n, (name, count) in enumerate(zip(TABS, counts, strict=True), 1)
            ]
            if not 0 < self.size.width < sum(map(len, labels)):
                return labels
        for length in range(max(map(len, TABS)), 2, -1):
            names = [name if n == self.active else _cut(name, length) for n, name in enumerate(TABS, 1)]
            labels = [f" {n} {name}" for n, name in enumerate(names, 1)]
            if self.size.width >= sum(map(len, labels)):
                break
        return labels

    def on_click(self, event: events.Click) -> None:
        """Open the tab under the mouse."""
        end = 0
        for number, label in enumerate(self._labels(), start=1):
            end += len(label)
            if event.x < end:
                self.post_message(TabChosen(number))
                return

"""A page of text over a screen: the help, the manual of a rule."""

from collections.abc import Sequence

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from osiris_inspect.inspector.text.sanitize import multi_line
from osiris_inspect.tui.screens.list_screen import ListScreen
from osiris_inspect.tui.shared import key_bindings as keys
from osiris_inspect.tui.widgets.footer import Footer
from osiris_inspect.tui.widgets.line_list import LineList
from osiris_inspect.tui.widgets.text_view import TextView


class TextScreen(ListScreen, ModalScreen[None]):
    """A title and lines; any way back closes it."""

    DEFAULT_CSS = """
    TextScreen { align: center middle; }
    TextScreen Vertical { width: 90%; max-width: 100; height: 90%; background: $surface; border-left: outer $primary; }
    TextScreen #title { height: 1; padding: 0 1; background: $panel; text-style: bold; }
    TextScreen TextView { background: $surface; margin: 1 0 0 1; }
    """

    def __init__(self, title: str, lines: Sequence[Content]) -> None:
        super().__init__()
        self._heading = title
        self._lines = lines

    def compose(self) -> ComposeResult:
        """Title, text."""
        with Vertical():
            yield Static(self._heading, id="title", markup=False)
            yield TextView()
            yield Footer(("screen",))

    def on_mount(self) -> None:
        """Show the text."""
        self.query_one(TextView).show_lines(self._lines)
        self.query_one(TextView).focus()

    @property
    def main_list(self) -> LineList:
        """The text."""
        return self.query_one(TextView)


def help_lines(table: Sequence[keys.KeyBinding] = keys.KEY_TABLE) -> list[Content]:
    """The table of keys as text."""
    lines: list[Content] = []
    widest = max(cell_len(key.label) for key in table)
    for group in keys.GROUPS:
        lines += [*([Content("")] if lines else []), Content.styled(group, "bold $state-link")]
        lines += [
            Content.assemble((f"  {key.label:<{widest}}", "bold"), f"  {key.description}")
            for key in table
            if key.group == group and key.scope != "filter"
        ]
    return [*lines, Content(""), Content.styled("Filter", "bold $state-link"), *_FILTER]


_FILTER = [
    Content.assemble((f"  {form:<18}", "bold"), f"  {meaning}")
    for form, meaning in (
        ("word", "the line holds it"),
        ('"two words"', "the line holds them together"),
        ("-word", "the line does not hold it"),
        ("step=extract-*", "the field is that value; * and ? stand for any characters"),
        ("rows!=0  rows>1000", "the field is another value or not there; is a larger number"),
        ("error~timeout", "the field holds that text; error.type=KeyError leads into an object"),
        ("since=-5m", "not longer ago, counted from the end; until=2026-01-31T10:00"),
        ("a or not (b c)", "one of them holds, or not both of the others"),
    )
]


def manual_lines(manual: str) -> list[Content]:
    """The manual of a rule as text."""
    return [Content(line) for line in multi_line(manual)]

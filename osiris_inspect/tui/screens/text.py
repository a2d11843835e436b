"""Page of text over a screen: help, manuals, file contents."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from osiris_inspect.inspector.text.sanitize import multi_line
from osiris_inspect.tui.screens.list_screen import ListScreen
from osiris_inspect.tui.shared.key_bindings import GROUPS, KEY_TABLE, KeyBinding
from osiris_inspect.tui.widgets.footer import Footer
from osiris_inspect.tui.widgets.line_list import RowOpened
from osiris_inspect.tui.widgets.list_rows import text_layout
from osiris_inspect.tui.widgets.text_view import TextView

_COLUMN_GAP = 4


class TextScreen(ListScreen, ModalScreen[None]):
    """Title and text; any key to go back closes it, and so do enter and the key for help."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key.keys, "back(False)", show=False, id=key.name) for key in KEY_TABLE if key.name == "help"
    ]
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
        """Yield title, text and footer."""
        with Vertical():
            yield Static(self._heading, id="title", markup=False)
            yield TextView()
            yield Footer(("screen",))

    def start(self) -> None:
        """Show the text."""
        self.query_one(TextView).show_lines(self._lines)
        self.query_one(TextView).focus()

    def on_row_opened(self, message: RowOpened) -> None:
        """Close the text when the user presses enter."""
        message.stop()
        self.action_back(may_quit=False)


class HelpScreen(TextScreen):
    """The keys, in two columns if they fit."""

    DEFAULT_CSS = """
    HelpScreen Vertical { max-width: 180; }
    """

    def __init__(self, table: Sequence[KeyBinding]) -> None:
        super().__init__("Keys", help_lines(table))

    def start(self) -> None:
        """Show the keys."""
        view = self.query_one(TextView)
        view.show(lambda width: text_layout(_in_columns(self._lines, width))(width))
        view.focus()


def _in_columns(lines: Sequence[Content], width: int) -> Sequence[Content]:
    """Return lines in two columns that begin with a group; as they are if two columns do not fit."""
    column = max(line.cell_length for line in lines) + _COLUMN_GAP
    if width < 2 * column - _COLUMN_GAP:
        return lines
    blank = (number for number, line in enumerate(lines) if not line.plain)
    half = min(blank, key=lambda number: abs(number - len(lines) // 2))
    pairs = zip_longest(lines[:half], lines[half + 1 :], fillvalue=Content(""))
    return [left.truncate(column, pad=True) + right for left, right in pairs]


def help_lines(table: Sequence[KeyBinding] = KEY_TABLE) -> list[Content]:
    """Return the key table and the filter syntax as text."""
    lines: list[Content] = []
    width = max(cell_len(key.label) for key in table)
    for group in GROUPS:
        keys = [key for key in table if key.group == group and key.scope != "filter"]
        lines.append(Content.styled(group, "bold $state-link"))
        lines += [
            Content.assemble((f"  {key.label:<{width}}", "bold"), f"  {key.description}") for key in keys
        ]
        lines.append(Content(""))
    return [*lines, Content.styled("Filter", "bold $state-link"), *_FILTER_HELP]


_FILTER_HELP = [
    Content.assemble((f"  {form:<18}", "bold"), f"  {meaning}")
    for form, meaning in (
        ("word", "the line contains the word"),
        ('"two words"', "the line contains the phrase"),
        ("-word", "the line does not contain the word"),
        ("step=extract-*", "the field has this value; * and ? are wildcards"),
        ("rows!=0  rows>1000", "the field has another value or none; is greater"),
        ("error~timeout", "the field contains the text; error.type=… for nested fields"),
        ("since=-5m", "in the last 5 minutes; until=2026-01-31T10:00"),
        ("a or not (b c)", "combine conditions with or, not and parentheses"),
    )
]


def manual_lines(manual: str) -> list[Content]:
    """Return the manual of a rule as text."""
    return [Content(line) for line in multi_line(manual)]

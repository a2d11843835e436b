"""Key table. The bindings of each widget and the help screen are made from it."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from textual.binding import Binding, BindingType

Scope = Literal["list", "filter", "run", "runs", "frame", "query", "screen", "app"]
Group = Literal["Move", "Find", "Look", "Go", "Program", "SQL input"]
TABS = ("Overview", "Steps", "Events", "Findings", "Log", "Timeline", "SQL")
GROUPS: tuple[Group, ...] = ("Move", "Find", "Look", "Go", "Program", "SQL input")


class KeyBinding(NamedTuple):
    """Row of the key table.

    Attributes:
        name: Name in the configuration.
        keys: Textual's key names, separated by commas.
        label: Keys as shown on the help screen and in the footer.
        action: Textual action.
        description: Description on the help screen.
        scope: Widget or screen that has the binding: every list, the filter box, the screen of a run, the list
            of runs, the rows of a frame, the SQL input, every screen, the app.
        group: Heading on the help screen.
        hint: Word in the footer; empty if the key is not shown there.
    """

    name: str
    keys: str
    label: str
    action: str
    description: str
    scope: Scope
    group: Group
    hint: str = ""


KEY_TABLE: tuple[KeyBinding, ...] = (
    KeyBinding("down", "j,down", "j ↓", "move(1)", "down", "list", "Move"),
    KeyBinding("up", "k,up", "k ↑", "move(-1)", "up", "list", "Move"),
    KeyBinding("left", "h,left", "h ←", "shift(-8)", "scroll left", "list", "Move"),
    KeyBinding("right", "l,right", "l →", "shift(8)", "scroll right", "list", "Move"),
    KeyBinding("page_down", "space,pagedown", "space PgDn", "page(1)", "page down", "list", "Move"),
    KeyBinding("page_up", "b,pageup", "b PgUp", "page(-1)", "page up", "list", "Move"),
    KeyBinding("half_page_down", "ctrl+d", "ctrl+d", "half(1)", "half a page down", "list", "Move"),
    KeyBinding("half_page_up", "ctrl+u", "ctrl+u", "half(-1)", "half a page up", "list", "Move"),
    KeyBinding("first_line", "g,home", "g Home", "top", "first line", "list", "Move"),
    KeyBinding("last_line", "G,end", "G End", "bottom", "last line; follow new lines", "list", "Move"),
    KeyBinding("follow", "f", "f", "follow", "follow new lines (toggle)", "list", "Move"),
    KeyBinding(
        "go_to", "colon", ":", "goto", "go to a line, a time (12:03, +1.5) or a share (50%)", "screen", "Move"
    ),
    KeyBinding(
        "filter",
        "slash",
        "/",
        "filter",
        "filter: words, -word, step=…, key=value",
        "screen",
        "Find",
        "filter",
    ),
    KeyBinding("next_match", "n", "n", "match(1)", "next match", "list", "Find"),
    KeyBinding("previous_match", "N", "N", "match(-1)", "previous match", "list", "Find"),
    KeyBinding("next_failure", "e", "e", "failure(1)", "next failure", "list", "Find", "failure"),
    KeyBinding("previous_failure", "E", "E", "failure(-1)", "previous failure", "list", "Find"),
    KeyBinding("next_warning", "w", "w", "warning(1)", "next warning", "list", "Find"),
    KeyBinding("previous_warning", "W", "W", "warning(-1)", "previous warning", "list", "Find"),
    KeyBinding("next_same_step", "o", "o", "same_step(1)", "next line of this step", "list", "Find"),
    KeyBinding("previous_same_step", "O", "O", "same_step(-1)", "previous line of this step", "list", "Find"),
    KeyBinding("mark", "m", "m", "mark", "mark the line (toggle)", "list", "Find"),
    KeyBinding("next_marked", "u", "u", "marked(1)", "next mark", "list", "Find"),
    KeyBinding("previous_marked", "U", "U", "marked(-1)", "previous mark", "list", "Find"),
    KeyBinding("open", "enter", "enter", "open", "open the selected line", "list", "Look", "open"),
    KeyBinding("explain", "x", "x", "explain", "explain the rule of the finding", "run", "Look", "explain"),
    KeyBinding("preview", "p", "p", "preview", "preview the step's data, or compare it", "screen", "Look"),
    KeyBinding("files", "a", "a", "artifacts", "the step's files", "run", "Look"),
    KeyBinding("zoom", "z", "z", "zoom", "timeline: start at the first step (toggle)", "run", "Look"),
    KeyBinding("copy", "y", "y", "copy", "copy the line to the clipboard, also over SSH", "list", "Look"),
    KeyBinding("copy_cell", "Y", "Y", "copy_cell", "data: copy the first visible cell", "frame", "Look"),
    KeyBinding("save", "S", "S", "save", "SQL: save the result as CSV", "run", "Look"),
    KeyBinding("edit", "ctrl+o", "ctrl+o", "edit", "open the file at this line in $EDITOR", "screen", "Look"),
    KeyBinding("sort", "s", "s", "sort", "runs: next sort order", "runs", "Look"),
    KeyBinding(
        "compare", "c", "c", "compare", "compare with the marked or previous run", "runs", "Look", "compare"
    ),
    *(
        KeyBinding(f"tab_{n}", str(n), str(n), f"tab({n})", f"{name} tab", "run", "Go")
        for n, name in enumerate(TABS, start=1)
    ),
    KeyBinding("timeline", "i", "i", "tab(6)", "timeline", "run", "Go"),
    KeyBinding("next_pane", "tab", "tab", "app.focus_next", "next pane", "screen", "Go"),
    KeyBinding(
        "previous_pane", "shift+tab", "shift+tab", "app.focus_previous", "previous pane", "screen", "Go"
    ),
    KeyBinding(
        "back",
        "escape",
        "esc",
        "back(False)",
        "clear the filter, close the details, or go back",
        "screen",
        "Go",
    ),
    KeyBinding("quit", "q", "q", "back(True)", "back; on the first screen, quit", "screen", "Go", "back"),
    KeyBinding(
        "next_theme", "t", "t", "next_theme", "next theme, such as light or high contrast", "app", "Program"
    ),
    KeyBinding("picture", "f12", "F12", "picture", "save a screenshot (SVG)", "app", "Program"),
    KeyBinding("help", "question_mark,f1", "? F1", "help", "this help", "app", "Program", "help"),
    KeyBinding("commands", "ctrl+p", "ctrl+p", "command_palette", "command palette", "app", "Program"),
    KeyBinding("leave_filter", "escape", "esc", "leave", "clear the filter", "filter", "Find"),
    KeyBinding(
        "earlier_question", "up", "↑", "earlier(1)", "previous query", "query", "SQL input", "previous"
    ),
    KeyBinding("later_question", "down", "↓", "earlier(-1)", "next query", "query", "SQL input"),
    KeyBinding(
        "leave_question",
        "escape",
        "esc",
        "leave",
        "cancel the query or go to the rows",
        "query",
        "SQL input",
        "rows",
    ),
    KeyBinding(
        "ask", "enter,ctrl+enter,ctrl+j", "enter", "submit", "run the query", "query", "SQL input", "run"
    ),
    KeyBinding("keep_filter", "down", "↓", "keep", "keep the filter and go to the list", "filter", "Find"),
)


def bindings(scope: Scope) -> list[BindingType]:
    """Return the Textual bindings of a scope."""
    return [
        Binding(key.keys, key.action, key.description, show=False, key_display=key.label, id=key.name)
        for key in KEY_TABLE
        if key.scope == scope
    ]


def hints(scopes: tuple[Scope, ...], table: Sequence[KeyBinding] = KEY_TABLE) -> list[tuple[str, str]]:
    """Return the keys shown in the footer of a screen, with their words."""
    return [(key.label.split()[0], key.hint) for key in table if key.hint and key.scope in scopes]

"""Every key in one table. The bindings of each widget and the help screen are made from it."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from textual.binding import Binding, BindingType

Scope = Literal["list", "filter", "run", "runs", "frame", "query", "screen", "app"]
Group = Literal["Move", "Find", "Look", "Go", "Program", "In the line for SQL"]
TABS = ("Overview", "Steps", "Events", "Findings", "Log", "Timeline", "SQL")
GROUPS: tuple[Group, ...] = ("Move", "Find", "Look", "Go", "Program", "In the line for SQL")

_WORDS = {"SQL": "ask the run in SQL"}


class KeyBinding(NamedTuple):
    """One row of the table.

    Attributes:
        name: how a configuration calls it.
        keys: as Textual names them, parted by commas.
        shown: as the help screen and the foot of the screen name them.
        action: what is called.
        words: what it does.
        scope: who owns it: every list, the filter box, the screen of a run, the table of runs, the rows of a frame,
            the line for SQL, every screen, the program.
        group: its heading on the help screen.
        hint: the short word at the foot of the screen; empty where it is not shown there.
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
    KeyBinding("left", "h,left", "h ←", "shift(-8)", "left along a long line", "list", "Move"),
    KeyBinding("right", "l,right", "l →", "shift(8)", "right along a long line", "list", "Move"),
    KeyBinding("page_down", "space,pagedown", "space PgDn", "page(1)", "a page down", "list", "Move"),
    KeyBinding("page_up", "b,pageup", "b PgUp", "page(-1)", "a page up", "list", "Move"),
    KeyBinding("half_page_down", "ctrl+d", "ctrl+d", "half(1)", "half a page down", "list", "Move"),
    KeyBinding("half_page_up", "ctrl+u", "ctrl+u", "half(-1)", "half a page up", "list", "Move"),
    KeyBinding("first_line", "g,home", "g Home", "top", "to the first line", "list", "Move"),
    KeyBinding(
        "last_line",
        "G,end",
        "G End",
        "bottom",
        "to the last line; there, new lines are followed",
        "list",
        "Move",
    ),
    KeyBinding("follow", "f", "f", "follow", "follow what comes in; again, pause", "list", "Move"),
    KeyBinding(
        "go_to",
        "colon",
        ":",
        "goto",
        "go to a line, a time (12:03, +1.5) or a share (50%)",
        "screen",
        "Move",
    ),
    KeyBinding(
        "filter",
        "slash",
        "/",
        "filter",
        "filter: words, -word, step=…, event=…, key=value",
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
    KeyBinding("next_same_step", "o", "o", "same_step(1)", "next line of the same step", "list", "Find"),
    KeyBinding(
        "previous_same_step", "O", "O", "same_step(-1)", "previous line of the same step", "list", "Find"
    ),
    KeyBinding("mark", "m", "m", "mark", "mark the line, or take the mark away", "list", "Find"),
    KeyBinding("next_marked", "u", "u", "marked(1)", "next marked line", "list", "Find"),
    KeyBinding("previous_marked", "U", "U", "marked(-1)", "previous marked line", "list", "Find"),
    KeyBinding("open", "enter", "enter", "open", "open what the cursor is on", "list", "Look", "open"),
    KeyBinding("explain", "x", "x", "explain", "explain the rule of the finding", "run", "Look", "explain"),
    KeyBinding(
        "preview",
        "p",
        "p",
        "preview",
        "look into the frame of the step; where two runs are compared, into both",
        "screen",
        "Look",
    ),
    KeyBinding("files", "a", "a", "artifacts", "the files the step left; enter opens one", "run", "Look"),
    KeyBinding("zoom", "z", "z", "zoom", "timeline: leave out what was before the first step", "run", "Look"),
    KeyBinding("copy", "y", "y", "copy", "copy the line to the clipboard, also over ssh", "list", "Look"),
    KeyBinding("copy_cell", "Y", "Y", "copy_cell", "copy the cell of a frame", "frame", "Look"),
    KeyBinding("save", "S", "S", "save", "SQL: keep the answer as a CSV file", "run", "Look"),
    KeyBinding("edit", "ctrl+o", "ctrl+o", "edit", "open the file at the line in $EDITOR", "screen", "Look"),
    KeyBinding("sort", "s", "s", "sort", "runs: sort by the next column", "runs", "Look"),
    KeyBinding(
        "compare",
        "c",
        "c",
        "compare",
        "runs: compare the marked one, or the one below, with this",
        "runs",
        "Look",
        "compare",
    ),
    *(
        KeyBinding(f"tab_{n}", str(n), str(n), f"tab({n})", _WORDS.get(name, name.lower()), "run", "Go")
        for n, name in enumerate(TABS, start=1)
    ),
    KeyBinding("timeline", "i", "i", "tab(6)", "the timeline", "run", "Go"),
    KeyBinding("next_pane", "tab", "tab", "app.focus_next", "next pane", "screen", "Go"),
    KeyBinding(
        "previous_pane", "shift+tab", "shift+tab", "app.focus_previous", "previous pane", "screen", "Go"
    ),
    KeyBinding(
        "back",
        "escape",
        "esc",
        "back(False)",
        "back: end the filter, close the detail, then to the runs",
        "screen",
        "Go",
    ),
    KeyBinding("quit", "q", "q", "back(True)", "back, and at the first screen quit", "screen", "Go", "back"),
    KeyBinding(
        "next_theme",
        "t",
        "t",
        "next_theme",
        "next theme: dark, light, for the colour-blind, high contrast",
        "app",
        "Program",
    ),
    KeyBinding("picture", "f12", "F12", "picture", "keep the screen as a picture (SVG)", "app", "Program"),
    KeyBinding("help", "question_mark,f1", "? F1", "help", "this help", "app", "Program", "help"),
    KeyBinding("commands", "ctrl+p", "ctrl+p", "command_palette", "every command by name", "app", "Program"),
    KeyBinding("leave_filter", "escape", "esc", "leave", "end the filter", "filter", "Find"),
    KeyBinding(
        "earlier_question",
        "up",
        "↑",
        "earlier(1)",
        "an earlier question",
        "query",
        "In the line for SQL",
        "earlier",
    ),
    KeyBinding(
        "later_question", "down", "↓", "earlier(-1)", "a later question", "query", "In the line for SQL"
    ),
    KeyBinding(
        "leave_question",
        "escape",
        "esc",
        "leave",
        "end what is being asked, or go to the rows",
        "query",
        "In the line for SQL",
        "rows",
    ),
    KeyBinding(
        "ask", "enter,ctrl+enter,ctrl+j", "enter", "submit", "ask", "query", "In the line for SQL", "ask"
    ),
    KeyBinding("keep_filter", "down", "↓", "keep", "keep the filter and go to the lines", "filter", "Find"),
)


def bindings(scope: Scope) -> list[BindingType]:
    """The bindings of one owner."""
    return [
        Binding(key.keys, key.action, key.description, show=False, key_display=key.label, id=key.name)
        for key in KEY_TABLE
        if key.scope == scope
    ]


def hints(scopes: tuple[Scope, ...], table: Sequence[KeyBinding] = KEY_TABLE) -> list[tuple[str, str]]:
    """The keys named at the foot of a screen, with their words."""
    return [(key.label.split()[0], key.hint) for key in table if key.hint and key.scope in scopes]

"""Every key in one table. The bindings of each widget and the help screen are made from it."""

from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding, BindingType

Scope = Literal["list", "filter", "run", "runs", "frame", "screen", "app"]
Group = Literal["Move", "Find", "Look", "Go", "Program"]
TABS = ("Overview", "Steps", "Events", "Findings", "Log", "Timeline")
GROUPS: tuple[Group, ...] = ("Move", "Find", "Look", "Go", "Program")


@dataclass(frozen=True, slots=True)
class Key:
    """One row of the table.

    Attributes:
        keys: as Textual names them, parted by commas.
        shown: as the help screen and the foot of the screen name them.
        action: what is called.
        words: what it does.
        scope: who owns it: every list, the filter box, the screen of a run, the table of runs, the rows of a frame,
            every screen, the program.
        group: its heading on the help screen.
        hint: the short word at the foot of the screen; empty where it is not shown there.
    """

    keys: str
    shown: str
    action: str
    words: str
    scope: Scope
    group: Group
    hint: str = ""


KEYS: tuple[Key, ...] = (
    Key("j,down", "j ↓", "move(1)", "down", "list", "Move"),
    Key("k,up", "k ↑", "move(-1)", "up", "list", "Move"),
    Key("h,left", "h ←", "shift(-8)", "left along a long line", "list", "Move"),
    Key("l,right", "l →", "shift(8)", "right along a long line", "list", "Move"),
    Key("space,pagedown", "space PgDn", "page(1)", "a page down", "list", "Move"),
    Key("b,pageup", "b PgUp", "page(-1)", "a page up", "list", "Move"),
    Key("ctrl+d", "ctrl+d", "half(1)", "half a page down", "list", "Move"),
    Key("ctrl+u", "ctrl+u", "half(-1)", "half a page up", "list", "Move"),
    Key("g,home", "g Home", "top", "to the first line", "list", "Move"),
    Key("G,end", "G End", "bottom", "to the last line; there, new lines are followed", "list", "Move"),
    Key("f", "f", "follow", "follow what comes in; again, pause", "list", "Move"),
    Key("colon", ":", "ask_place", "go to a line, a time (12:03, +1.5) or a share (50%)", "screen", "Move"),
    Key(
        "slash",
        "/",
        "ask_filter",
        "filter: words, -word, step=…, event=…, key=value",
        "screen",
        "Find",
        "filter",
    ),
    Key("n", "n", "match(1)", "next match", "list", "Find"),
    Key("N", "N", "match(-1)", "previous match", "list", "Find"),
    Key("e", "e", "failure(1)", "next failure", "list", "Find", "failure"),
    Key("E", "E", "failure(-1)", "previous failure", "list", "Find"),
    Key("w", "w", "warning(1)", "next warning", "list", "Find"),
    Key("W", "W", "warning(-1)", "previous warning", "list", "Find"),
    Key("o", "o", "same_step(1)", "next line of the same step", "list", "Find"),
    Key("O", "O", "same_step(-1)", "previous line of the same step", "list", "Find"),
    Key("m", "m", "mark", "mark the line, or take the mark away", "list", "Find"),
    Key("u", "u", "marked(1)", "next marked line", "list", "Find"),
    Key("U", "U", "marked(-1)", "previous marked line", "list", "Find"),
    Key("enter", "enter", "open", "open what the cursor is on", "list", "Look", "open"),
    Key("x", "x", "explain", "explain the rule of the finding", "run", "Look", "explain"),
    Key(
        "p",
        "p",
        "preview",
        "look into the frame of the step; where two runs are compared, into both",
        "screen",
        "Look",
    ),
    Key("z", "z", "zoom", "timeline: leave out what was before the first step", "run", "Look"),
    Key("y", "y", "copy", "copy the line to the clipboard, also over ssh", "list", "Look"),
    Key("Y", "Y", "copy_cell", "copy the cell of a frame", "frame", "Look"),
    Key("ctrl+o", "ctrl+o", "edit", "open the file at the line in $EDITOR", "screen", "Look"),
    Key("s", "s", "sort", "runs: sort by the next column", "runs", "Look"),
    Key(
        "c",
        "c",
        "compare",
        "runs: compare the marked one, or the one below, with this",
        "runs",
        "Look",
        "compare",
    ),
    *(Key(str(n), str(n), f"tab({n})", name.lower(), "run", "Go") for n, name in enumerate(TABS, start=1)),
    Key("i", "i", "tab(6)", "the timeline", "run", "Go"),
    Key("tab", "tab", "app.focus_next", "next pane", "screen", "Go"),
    Key("shift+tab", "shift+tab", "app.focus_previous", "previous pane", "screen", "Go"),
    Key(
        "escape",
        "esc",
        "back(False)",
        "back: end the filter, close the detail, then to the runs",
        "screen",
        "Go",
    ),
    Key("q", "q", "back(True)", "back, and at the first screen quit", "screen", "Go", "back"),
    Key(
        "t",
        "t",
        "next_theme",
        "next theme: dark, light, for the colour-blind, high contrast",
        "app",
        "Program",
    ),
    Key("f12", "F12", "picture", "keep the screen as a picture (SVG)", "app", "Program"),
    Key("question_mark,f1", "? F1", "help", "this help", "app", "Program", "help"),
    Key("ctrl+p", "ctrl+p", "command_palette", "every command by name", "app", "Program"),
    Key("escape", "esc", "leave", "end the filter", "filter", "Find"),
    Key("down", "↓", "keep", "keep the filter and go to the lines", "filter", "Find"),
)


def bindings(scope: Scope) -> list[BindingType]:
    """The bindings of one owner."""
    return [
        Binding(key.keys, key.action, key.words, show=False, key_display=key.shown)
        for key in KEYS
        if key.scope == scope
    ]


def hints(scopes: tuple[Scope, ...]) -> list[tuple[str, str]]:
    """The keys named at the foot of a screen, with their words."""
    return [(key.shown.split()[0], key.hint) for key in KEYS if key.hint and key.scope in scopes]

"""Key table. The bindings of each widget and the help screen are made from it."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from textual.binding import Binding, BindingType
from textual.keys import format_key

Scope = Literal["list", "filter", "run", "runs", "frame", "query", "moment", "comparison", "screen", "app"]
Group = Literal["Move", "Find", "Look", "Go", "Program", "SQL input", "Time travel"]
TABS = ("Overview", "Steps", "Events", "Findings", "Log", "Timeline", "SQL")
GROUPS: tuple[Group, ...] = ("Move", "Find", "Look", "Go", "Program", "SQL input", "Time travel")


class KeyBinding(NamedTuple):
    """Row of the key table.

    Attributes:
        name: Name in the configuration.
        keys: Textual's key names, separated by commas.
        action: Textual action.
        description: Description on the help screen.
        scope: Widget or screen that has the binding: every list, the filter box, the screen of a run, the list
            of runs, the rows of a frame, the SQL input, the list of time travel, the comparison of runs, every screen, the app.
        group: Heading on the help screen.
        hint: Word in the footer; empty if the key is not shown there.
    """

    name: str
    keys: str
    action: str
    description: str
    scope: Scope
    group: Group
    hint: str = ""

    @property
    def label(self) -> str:
        """First two keys as shown on the help screen and in the footer."""
        return " ".join(key if "enter" in key else format_key(key) for key in self.keys.split(",")[:2])


KEY_TABLE: tuple[KeyBinding, ...] = (
    KeyBinding("down", "j,down", "move(1)", "down", "list", "Move"),
    KeyBinding("up", "k,up", "move(-1)", "up", "list", "Move"),
    KeyBinding("left", "h,left", "shift(-8)", "scroll left", "list", "Move"),
    KeyBinding("right", "l,right", "shift(8)", "scroll right", "list", "Move"),
    KeyBinding("page_down", "space,pagedown", "page(1)", "page down", "list", "Move"),
    KeyBinding("page_up", "b,pageup", "page(-1)", "page up", "list", "Move"),
    KeyBinding("half_page_down", "ctrl+d", "half(1)", "half a page down", "list", "Move"),
    KeyBinding("half_page_up", "ctrl+u", "half(-1)", "half a page up", "list", "Move"),
    KeyBinding("first_line", "g,home", "top", "first line", "list", "Move"),
    KeyBinding("last_line", "G,end", "bottom", "last line; follow new lines", "list", "Move"),
    KeyBinding("follow", "f", "follow", "follow new lines (toggle)", "list", "Move"),
    KeyBinding(
        "next_change",
        "right,l",
        "change(1)",
        "next change of the frame store",
        "moment",
        "Time travel",
        "change",
    ),
    KeyBinding("previous_change", "left,h", "change(-1)", "previous change", "moment", "Time travel"),
    KeyBinding(
        "next_step",
        "right_square_bracket",
        "step(1)",
        "next beginning of a step",
        "moment",
        "Time travel",
        "step",
    ),
    KeyBinding(
        "previous_step",
        "left_square_bracket",
        "step(-1)",
        "previous beginning of a step",
        "moment",
        "Time travel",
    ),
    KeyBinding("last_moment", "end", "moment(1)", "end of the log", "moment", "Time travel"),
    KeyBinding("first_moment", "home", "moment(-1)", "beginning of the log", "moment", "Time travel"),
    KeyBinding(
        "go_to", "colon", "goto", "go to a line, a time (12:03, +1.5) or a share (50%)", "screen", "Move"
    ),
    KeyBinding(
        "filter", "slash", "filter", "filter: words, -word, step=…, key=value", "screen", "Find", "filter"
    ),
    KeyBinding("search", "f3", "search", "search: highlight the matches, hide no line", "screen", "Find"),
    KeyBinding("next_match", "n", "match(1)", "next match", "list", "Find"),
    KeyBinding("previous_match", "N", "match(-1)", "previous match", "list", "Find"),
    KeyBinding("next_failure", "e", "failure(1)", "next failure", "list", "Find", "failure"),
    KeyBinding("previous_failure", "E", "failure(-1)", "previous failure", "list", "Find"),
    KeyBinding("next_warning", "w", "warning(1)", "next warning", "list", "Find"),
    KeyBinding("previous_warning", "W", "warning(-1)", "previous warning", "list", "Find"),
    KeyBinding("next_same_step", "o", "same_step(1)", "next line of this step", "list", "Find"),
    KeyBinding("previous_same_step", "O", "same_step(-1)", "previous line of this step", "list", "Find"),
    KeyBinding("mark", "m", "mark", "mark the line (toggle)", "list", "Find"),
    KeyBinding("next_marked", "u", "marked(1)", "next mark", "list", "Find"),
    KeyBinding("previous_marked", "U", "marked(-1)", "previous mark", "list", "Find"),
    KeyBinding("open", "enter", "open", "open the selected line", "list", "Look", "open"),
    KeyBinding("explain", "x", "explain", "explain the rule of the finding", "run", "Look", "explain"),
    KeyBinding("preview", "p", "preview", "preview the step's data, or compare it", "screen", "Look"),
    KeyBinding("files", "a", "artifacts", "the step's files", "run", "Look"),
    KeyBinding("zoom", "z", "zoom", "timeline: start at the first step (toggle)", "run", "Look"),
    KeyBinding("time_travel", "T", "time_travel", "time travel: the frames at each moment", "run", "Look"),
    KeyBinding("copy", "y", "copy", "copy the line to the clipboard, also over SSH", "list", "Look"),
    KeyBinding(
        "copy_cause", "C", "copy_cause", "copy the root cause with its evidence and fix", "run", "Look"
    ),
    KeyBinding(
        "copy_replay",
        "r",
        "copy_replay('replay')",
        "copy the command that replays the failed step",
        "run",
        "Look",
    ),
    KeyBinding(
        "copy_repro",
        "R",
        "copy_replay('repro')",
        "copy the command that reduces the failure to a zip",
        "run",
        "Look",
    ),
    KeyBinding(
        "copy_prove",
        "D",
        "copy_prove",
        "copy the command that proves a cause (diff --prove)",
        "comparison",
        "Look",
        "copy --prove",
    ),
    KeyBinding("copy_cell", "Y", "copy_cell", "data: copy the first visible cell", "frame", "Look"),
    KeyBinding("save", "S", "save", "SQL: save the result as CSV", "run", "Look"),
    KeyBinding("edit", "ctrl+o", "edit", "open the file at this line in $EDITOR", "screen", "Look"),
    KeyBinding(
        "edit_pipeline", "P", "edit_pipeline", "open the pipeline file at this step in $EDITOR", "run", "Look"
    ),
    KeyBinding("fold", "v", "fold", "root cause in one line (toggle)", "run", "Look"),
    KeyBinding("sort", "s", "sort", "runs: next sort order", "runs", "Look"),
    KeyBinding(
        "compare", "c", "compare", "compare with the marked or previous run", "runs", "Look", "compare"
    ),
    *(
        KeyBinding(f"tab_{n}", str(n), f"tab({n})", f"{name} tab", "run", "Go")
        for n, name in enumerate(TABS, start=1)
    ),
    KeyBinding("timeline", "i", "tab(6)", "timeline", "run", "Go"),
    KeyBinding("next_pane", "tab", "app.focus_next", "next pane", "screen", "Go"),
    KeyBinding("previous_pane", "shift+tab", "app.focus_previous", "previous pane", "screen", "Go"),
    KeyBinding(
        "back", "escape", "back(False)", "clear the filter, close the details, or go back", "screen", "Go"
    ),
    KeyBinding("quit", "q", "back(True)", "back; on the first screen, quit", "screen", "Go", "back"),
    KeyBinding(
        "next_theme", "t", "next_theme", "next theme, such as light or high contrast", "app", "Program"
    ),
    KeyBinding("picture", "f12", "picture", "save a screenshot (SVG)", "app", "Program"),
    KeyBinding("help", "question_mark,f1", "help", "this help", "app", "Program", "help"),
    KeyBinding("commands", "ctrl+p", "command_palette", "command palette", "app", "Program"),
    KeyBinding("suspend", "ctrl+z", "suspend_process", "suspend; the shell's fg resumes", "app", "Program"),
    KeyBinding("leave_filter", "escape", "leave", "clear the filter", "filter", "Find"),
    KeyBinding("earlier_question", "up", "earlier(1)", "previous query", "query", "SQL input", "previous"),
    KeyBinding("later_question", "down", "earlier(-1)", "next query", "query", "SQL input"),
    KeyBinding(
        "leave_question",
        "escape",
        "leave",
        "cancel the query or go to the rows",
        "query",
        "SQL input",
        "rows",
    ),
    KeyBinding("ask", "enter,ctrl+j,ctrl+enter", "submit", "run the query", "query", "SQL input", "run"),
    KeyBinding("keep_filter", "down", "keep", "keep the filter and go to the list", "filter", "Find"),
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

"""Services of the program around the screens: editor, saved state, clipboard. The command line passes them in."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

SavedState = Mapping[str, Any]
"""State that is restored when a run is opened again: tab, cursors, marks, queries."""


class HostServices(NamedTuple):
    """Services outside the terminal UI.

    Attributes:
        startup_lines: Text that is on the terminal already; shown until the first screen is ready.
        edit: Opens a file at a line in an editor; returns an error message or None. None if no editor is set.
        load_state, save_state: Load and save the state of a run, outside the run directory.
        theme: Name of the theme to begin with; empty for the default.
        save_theme: Saves the name of a theme that the user has chosen.
        is_ascii: True if the terminal shows ASCII only.
        copy: Copies a text by a program, as inside tmux, which ignores OSC 52 by default; returns an error message or
            None. None if the terminal is asked by OSC 52.
        custom_keys: Keys that replace those of the key table, by their names.
        screenshot_dir: Folder for screenshots and CSV files; None if files cannot be saved.
    """

    startup_lines: Sequence[str] = ()
    edit: Callable[[Path, int], str | None] | None = None
    load_state: Callable[[Path], SavedState] = lambda _run: {}
    save_state: Callable[[Path, SavedState], None] = lambda _run, _state: None
    theme: str = ""
    save_theme: Callable[[str], None] = lambda _theme: None
    is_ascii: bool = False
    copy: Callable[[str], str | None] | None = None
    custom_keys: Mapping[str, object] = MappingProxyType({})
    screenshot_dir: Path | None = None


NO_HOST = HostServices()
"""Default services: nothing is saved, and no editor is started."""

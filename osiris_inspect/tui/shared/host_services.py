"""What the program around the screens does for them. The command line hands it in; tests hand in their own."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

SavedState = Mapping[str, Any]
"""What is to be found again when a run is opened the next time: its tab, cursors, marks."""


def _recall(_run: Path) -> SavedState:
    return {}


def _forget(_run: Path, _memory: SavedState) -> None:
    return None


class HostServices(NamedTuple):
    """The world beyond the terminal.

    Attributes:
        words: what stands on the terminal already, shown until the first screen is ready.
        edit: opens an editor on a file at a line; gives a complaint, None where all went well. None: there is no editor.
        recall, remember: keep what a run was left at, outside of the run.
        is_tmux: whether the terminal is inside of tmux, which passes a clipboard on only when it is asked to.
        keys: other keys than those of the table, by their names, as ``keymap`` takes them.
        pictures: the folder for pictures of the screen; None where none can be kept.
    """

    startup_lines: Sequence[str] = ()
    edit: Callable[[Path, int], str | None] | None = None
    load_state: Callable[[Path], SavedState] = _recall
    save_state: Callable[[Path, SavedState], None] = _forget
    is_tmux: bool = False
    custom_keys: Mapping[str, object] = MappingProxyType({})
    screenshot_dir: Path | None = None


NO_HOST = HostServices()
"""No world at all: nothing is kept, nothing is started."""

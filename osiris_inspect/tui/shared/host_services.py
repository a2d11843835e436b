"""What the program around the screens does for them. The command line hands it in; tests hand in their own."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

Memory = Mapping[str, Any]
"""What is to be found again when a run is opened the next time: its tab, cursors, marks."""


def _recall(_run: Path) -> Memory:
    return {}


def _forget(_run: Path, _memory: Memory) -> None:
    return None


class Outside(NamedTuple):
    """The world beyond the terminal.

    Attributes:
        words: what stands on the terminal already, shown until the first screen is ready.
        edit: opens an editor on a file at a line; gives a complaint, None where all went well. None: there is no editor.
        recall, remember: keep what a run was left at, outside of the run.
        is_tmux: whether the terminal is inside of tmux, which passes a clipboard on only when it is asked to.
        keys: other keys than those of the table, by their names, as ``keymap`` takes them.
        pictures: the folder for pictures of the screen; None where none can be kept.
    """

    words: Sequence[str] = ()
    edit: Callable[[Path, int], str | None] | None = None
    recall: Callable[[Path], Memory] = _recall
    remember: Callable[[Path, Memory], None] = _forget
    is_tmux: bool = False
    keys: Mapping[str, object] = MappingProxyType({})
    pictures: Path | None = None


NOTHING = Outside()
"""No world at all: nothing is kept, nothing is started."""

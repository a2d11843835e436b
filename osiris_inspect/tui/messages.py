"""What panes tell the screen they stand on, and screens tell the app."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from osiris_inspect.tui.lines import LineList


@dataclass
class CursorMoved(Message):
    """The cursor of a list stands on another row, or the rows under it changed."""

    lines: "LineList"

    @property
    def control(self) -> "LineList":
        """The list."""
        return self.lines


@dataclass
class RowOpened(Message):
    """Enter was pressed on the row under the cursor."""

    lines: "LineList"

    @property
    def control(self) -> "LineList":
        """The list."""
        return self.lines


@dataclass
class StepOpened(Message):
    """The details of a step are asked for."""

    step: str


@dataclass
class RunOpened(Message):
    """A run of the list is asked for."""

    path: Path


@dataclass
class FrameOpened(Message):
    """The frame of a step is asked for."""

    step: str
    path: Path


@dataclass
class ScreenReady(Message):
    """A screen shows what it was opened for, or why it cannot; ``is_painted`` where it was painted without it before."""

    is_painted: bool = True


@dataclass
class TabChosen(Message):
    """A tab was clicked; ``number`` counts from 1."""

    number: int

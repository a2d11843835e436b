"""What panes tell the screen they stand on, and screens tell the app.

Plain classes: they are made at every start, and a dataclass takes five times as long to make.
"""

from pathlib import Path

from textual.content import Content
from textual.message import Message


class StepOpened(Message):
    """The details of a step are asked for."""

    def __init__(self, step: str) -> None:
        super().__init__()
        self.step = step


class RunOpened(Message):
    """A run of the list is asked for."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path


class FrameOpened(Message):
    """The frame of a step is asked for."""

    def __init__(self, step: str, path: Path) -> None:
        super().__init__()
        self.step, self.path = step, path


class TextOpened(Message):
    """A text is to be shown on a screen of its own."""

    def __init__(self, title: str, content: list[Content]) -> None:
        super().__init__()
        self.title, self.content = title, content


class ScreenReady(Message):
    """A screen shows what it was opened for, or why it cannot; ``is_painted`` where it was painted without it before."""

    def __init__(self, *, was_painted: bool = True) -> None:
        super().__init__()
        self.was_painted = was_painted


class TabChosen(Message):
    """A tab was clicked; ``number`` counts from 1."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

"""Messages from panes to their screen, and from screens to the app.

They are plain classes because dataclasses are slower to create at start.
"""

from textual.content import Content
from textual.message import Message


class StepOpened(Message):
    """Request for the details of a step."""

    def __init__(self, step: str) -> None:
        super().__init__()
        self.step = step


class TextOpened(Message):
    """Request for a page of text over the screen."""

    def __init__(self, title: str, content: list[Content]) -> None:
        super().__init__()
        self.title, self.content = title, content


class ScreenReady(Message):
    """Notice that a screen shows its content or an error; ``was_painted`` if it was painted empty before."""

    def __init__(self, *, was_painted: bool = True) -> None:
        super().__init__()
        self.was_painted = was_painted


class TabChosen(Message):
    """Notice that a tab was clicked; ``number`` counts from 1."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

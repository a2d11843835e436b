"""Long text on several lines, each below the first one's text; nothing is cut off."""

from collections.abc import Iterator
from textwrap import wrap

MIN_WIDTH = 40
"""Columns that a text has at least, however narrow the terminal says it is."""


def wrap_labelled(text: str, width: int, label: str = "") -> Iterator[str]:
    """The lines of ``text`` behind ``lead``, which stands before the first line and is blank before the others."""
    room = max(width - len(label), MIN_WIDTH)
    for line in wrap(text, room, break_on_hyphens=False, break_long_words=False) or [""]:
        yield f"{label}{line}".rstrip()
        label = " " * len(label)

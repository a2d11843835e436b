"""Long text on several lines, each below the first one's text; nothing is cut off."""

from collections.abc import Iterator
from textwrap import wrap

NARROWEST = 40
"""Columns that a text has at least, however narrow the terminal says it is."""


def wrapped(text: str, width: int, lead: str = "") -> Iterator[str]:
    """The lines of ``text`` behind ``lead``, which stands before the first line and is blank before the others."""
    room = max(width - len(lead), NARROWEST)
    for line in wrap(text, room, break_on_hyphens=False, break_long_words=False) or [""]:
        yield f"{lead}{line}".rstrip()
        lead = " " * len(lead)

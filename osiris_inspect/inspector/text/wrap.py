"""Wraps text with a label before its first line."""

from collections.abc import Iterator
from textwrap import wrap

MIN_WIDTH = 40
"""Columns used at least, even in a narrower terminal."""


def wrap_labelled(text: str, width: int, label: str = "") -> Iterator[str]:
    """Yield the lines of ``text`` after ``label``, which is replaced by spaces after the first line."""
    text_width = max(width - len(label), MIN_WIDTH)
    for line in wrap(text, text_width, break_on_hyphens=False, break_long_words=False) or [""]:
        yield f"{label}{line}".rstrip()
        label = " " * len(label)

"""Wraps text for a terminal: a text with a label before its first line, and lines of events."""

import re
from collections.abc import Iterator
from textwrap import wrap
from typing import Final

from osiris_inspect.inspector.text.display_width import display_width

MIN_WIDTH = 40
"""Columns used at least, even in a narrower terminal."""
_MIN_BESIDE: Final = 50
"""Columns for the fields of an event to the right of its name; if there are fewer, they are below it."""
_BELOW: Final = 8
"""Indent of fields below the name: that of the time."""
_EVENT: Final = re.compile(r"( *\d+  .{12}  )(.{20,}?  )(\S.{19,}?)  (.*)", re.DOTALL)
"""Number and time, step, name and fields of an event, as ``event_lines.format_text`` aligns them."""
_STEP: Final = 14
"""Columns of the step in a narrow terminal."""


def wrap_labelled(text: str, width: int, label: str = "") -> Iterator[str]:
    """Yield the lines of ``text`` after ``label``, which is replaced by spaces after the first line."""
    text_width = max(width - len(label), MIN_WIDTH)
    for line in wrap(text, text_width, break_on_hyphens=False, break_long_words=False) or [""]:
        yield f"{label}{line}".rstrip()
        label = " " * len(label)


def wrap_events(text: str, width: int) -> str:
    """Return lines of events in ``width`` columns; no word is lost, and long ones are broken."""
    lines = text.split("\n")
    return "\n".join(
        line if display_width(line) <= width else "\n".join(_event(line, width)) for line in lines
    )


def _event(line: str, width: int) -> Iterator[str]:
    width = max(width, MIN_WIDTH)
    match = _EVENT.fullmatch(line)
    if match is None:
        yield from _indented(line, width, 0)
        return
    start, step, name, fields = match.groups()
    column = len(start + step) + display_width(name) + 2
    if width - column >= _MIN_BESIDE:
        first, *others = _indented(fields, width, column)
        yield f"{start}{step}{name}  {first.lstrip()}"
        yield from others
    else:
        yield from _indented(f"{start}{step.rstrip():<{_STEP}}  {name.rstrip()}", width, _BELOW)
        yield from _indented(fields, width, _BELOW)


def _indented(text: str, width: int, indent: int) -> Iterator[str]:
    """Yield a text in lines of ``width`` columns, all but the first of a text that begins with spaces indented."""
    lead = "" if text.startswith(" ") else " " * indent
    line, used = lead, len(lead)
    for word in re.findall(r" {0,200}[^ ]+", text):
        rest = word
        if used + display_width(rest) > width and line.strip():
            yield line
            line, used, rest = " " * indent, indent, rest.lstrip(" ")
        while used + display_width(rest) > width:
            cut = _fitting(rest, width - used)
            yield line + rest[:cut]
            line, used, rest = " " * indent, indent, rest[cut:]
        if not line.strip():
            rest = rest if line == "" else rest.lstrip(" ")
        line, used = line + rest, used + display_width(rest)
    if line.strip():
        yield line


def _fitting(text: str, width: int) -> int:
    """Return how many characters of a text fit in ``width`` columns, at least 1."""
    count = min(len(text), max(width, 1))
    while count > 1 and display_width(text[:count]) > width:
        count -= 1
    return count

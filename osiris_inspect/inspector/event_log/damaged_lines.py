"""Reads the events of lines that are not valid by themselves.

A damaged line is read together with the lines after it that begin no object, because its text may contain newlines.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from osiris_inspect.inspector.files.run_files import TRUNCATED_LINE
from osiris_inspect.model import event as events
from osiris_inspect.model.errors import InvalidLine
from osiris_inspect.model.event import Event

_MAX_JOINED = 64
"""Lines that are read together."""


class UnreadLine(NamedTuple):
    """A line that is not an event, with its number (from 1) and the reason."""

    number: int
    raw: bytes
    reason: str


class ReadLines(NamedTuple):
    """The events of invalid lines, and the lines that could not be read, with the reason."""

    events: list[Event]
    unreadable: list[tuple[int, str]]


def belongs_to_last(lines: Sequence[UnreadLine], raw: bytes) -> bool:
    """Return True if a line may continue the invalid lines before it."""
    return 0 < len(lines) < _MAX_JOINED and not raw.lstrip().startswith(b"{")


def group_lines(lines: Iterable[UnreadLine]) -> Iterator[list[UnreadLine]]:
    """Yield groups of consecutive lines that are read together."""
    group: list[UnreadLine] = []
    for line in lines:
        if group and (line.number != group[-1].number + 1 or not belongs_to_last(group, line.raw)):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def read_group(lines: Sequence[UnreadLine], file: str, *, torn: bool = False) -> ReadLines:
    """Read invalid lines as one line, or else each by itself; with ``torn`` the last one was cut."""
    if len(lines) > 1:
        try:
            joined = b"\n".join(line.raw for line in lines)
            return ReadLines([events.decode(joined, line_number=lines[0].number, file=file)], [])
        except InvalidLine:
            pass
    read = ReadLines([], [])
    for line in lines:
        if torn and line is lines[-1]:
            read.unreadable.append((line.number, f"{TRUNCATED_LINE}: {line.reason}"))
            read.events.extend(read_torn_line(line.raw, line.number, file))
            continue
        damaged = events.decode_damaged(line.raw, line_number=line.number, file=file)
        read.events.extend(damaged)
        if not damaged:
            read.unreadable.append((line.number, line.reason))
    return read


def read_torn_line(raw: bytes, number: int, file: str) -> list[Event]:
    """Return the events in the cut last line of a log, except failures: their reason may be missing."""
    damaged = events.decode_damaged(raw, line_number=number, file=file)
    return [event for event in damaged if not event.is_failure]

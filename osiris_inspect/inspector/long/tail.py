"""What the end of a log says, found from its end: in milliseconds, however long the log is and without an index."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from osiris_inspect.model import event as events
from osiris_inspect.model import jsonl
from osiris_inspect.model.errors import UnreadableLine
from osiris_inspect.model.event import Event

_BLOCK = (
    1 << 16
)  # memory for larger ones comes anew from the system each time, which costs more than to search them
_LARGEST = 1 << 22
_FAILED = (b'failed"', b'_error"', b'.error"', b'input_not_found"')
_NO_FAILURE = "execution_error_mapped"


@dataclass(frozen=True, slots=True)
class Found:
    """An event and the byte of the file at which its line begins; the number of the line is not known."""

    event: Event
    place: int


def last_time(path: Path) -> float | None:
    """The time of the last event that has one, in seconds since 1970; None where the end of the log has none."""
    descriptor = _open(path)
    if descriptor is None:
        return None
    try:
        for number, (_, line) in enumerate(_lines_backwards(descriptor)):
            event = _event(line)
            if event is not None and event.ts is not None:
                return event.ts
            if number > 1000:
                return None
    finally:
        os.close(descriptor)
    return None


def last_failure(path: Path) -> Found | None:
    """The last event that tells of a failure; None where there is none."""
    descriptor = _open(path)
    if descriptor is None:
        return None
    try:
        return next(_failures_backwards(descriptor), None)
    finally:
        os.close(descriptor)


def _open(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # what cannot be read has no end to tell of; reading the run says why
        return None


def _failures_backwards(descriptor: int) -> Iterator[Found]:
    for begin, block, first in _blocks_backwards(descriptor):
        end = len(block)
        while (at := max(block.rfind(mark, first, end) for mark in _FAILED)) >= 0:
            start = block.rfind(b"\n", first, at) + 1 or first
            stop = block.find(b"\n", at)
            event = _event(block[start : stop if stop >= 0 else len(block)])
            if event is not None and is_failure(event.original):
                yield Found(event, begin + start)
            end = start


def _lines_backwards(descriptor: int) -> Iterator[tuple[int, bytes]]:
    """The lines from the last to the first, with the bytes at which they begin."""
    for begin, block, first in _blocks_backwards(descriptor):
        end = len(block)
        while end > first:
            start = block.rfind(b"\n", first, end - 1) + 1 or first
            yield begin + start, block[start:end].rstrip(b"\r\n")
            end = start


def _blocks_backwards(descriptor: int) -> Iterator[tuple[int, bytes, int]]:
    """The file from its end: where a block begins, the block, and where in it the first whole line begins.

    What stands before that line is read again with the block before: cheaper than to copy blocks together. A line over
    the limit is passed over.
    """
    place, rest, size = os.fstat(descriptor).st_size, 0, _BLOCK
    while place > 0:
        begin = max(0, place - size)
        block = os.pread(descriptor, place - begin + rest, begin)
        first = 0 if begin == 0 else block.find(b"\n", 0, place - begin) + 1
        if first or begin == 0:
            yield begin, block, first
            rest, size = first, _BLOCK
        else:
            rest, size = len(block) if len(block) <= jsonl.MAX_LINE else 0, min(2 * size, _LARGEST)
        place = begin


def _event(line: bytes) -> Event | None:
    try:
        return events.decode(line)
    except UnreadableLine:
        return None


def is_failure(name: str) -> bool:
    """Whether events of this name, as it is written, tell that something failed."""
    return name != _NO_FAILURE and ("error" in name or "failed" in name or name == "input_not_found")

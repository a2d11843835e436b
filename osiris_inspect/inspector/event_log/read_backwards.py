"""Finds the last time of a log by reading it backwards, without an index."""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from osiris_inspect.inspector.files.run_files import RunFiles
from osiris_inspect.model import event as events
from osiris_inspect.model import jsonl
from osiris_inspect.model.errors import InvalidLine

_BLOCK = 1 << 16  # memory for larger ones comes anew from the system each time
_LARGEST = 1 << 22
_MAX_LINES = 1_000


def last_time(path: Path) -> float | None:
    """Return the last time in a log in seconds since 1970; None if its last lines have none."""
    try:
        stream = RunFiles(path.parent).open(path.name)
    except OSError:  # reading the run says why
        return None
    with stream:
        times = map(_time, islice(_lines_backwards(stream.fileno()), _MAX_LINES))
        return next((time for time in times if time is not None), None)


def _lines_backwards(descriptor: int) -> Iterator[bytes]:
    """Yield the lines from the last to the first. A line over the limit is left out.

    What a block holds of a line that begins before it is read again with the previous block.
    """
    offset, rest, size = os.fstat(descriptor).st_size, 0, _BLOCK
    while offset > 0:
        begin = max(0, offset - size)
        block = os.pread(descriptor, offset - begin + rest, begin)
        first = 0 if begin == 0 else block.find(b"\n", 0, offset - begin) + 1
        if first or begin == 0:
            yield from reversed(block[first:].split(b"\n"))
            rest, size = first, _BLOCK
        else:
            rest, size = len(block) if len(block) <= jsonl.MAX_LINE else 0, min(2 * size, _LARGEST)
        offset = begin


def _time(line: bytes) -> float | None:
    try:
        return events.decode(line).ts
    except InvalidLine:
        return None

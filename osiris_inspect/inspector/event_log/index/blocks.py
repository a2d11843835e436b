"""The whole lines of a file, block by block, with a bound on memory whatever the lines are like."""

import os
from collections.abc import Iterator

import numpy as np

from osiris_inspect.inspector.event_log.index.vectorized import PADDING, LineBlock, Numbers
from osiris_inspect.model import jsonl

BLOCK = 1 << 20
"""Bytes of a block: large enough that a call of numpy is cheap, small enough for the processor's cache."""
NEWLINE = 10


def iter_blocks(
    descriptor: int, begin: int, *, until: int | None = None, size: int = BLOCK
) -> Iterator[tuple[LineBlock, int]]:
    """The lines of each block and its bytes, from ``begin`` up to the last newline of the file, or before ``until``.

    The memory of a block is used again for the next one. ``until`` is where a line begins.

    A line longer than a block is a block of its own; of one that is too long to be decoded only its place is given.
    """
    raw = bytearray(size + 2 * PADDING)
    room = memoryview(raw)[PADDING : PADDING + size]
    while until is None or begin < until:
        count = read_into(descriptor, room if until is None else room[: until - begin], begin)
        ends = newline_positions(raw, count)
        if len(ends):
            taken = int(ends[-1]) + 1
            yield LineBlock(raw, _starts(ends), ends), taken
            begin += taken
        elif count < size or (end := next_newline(descriptor, begin + count)) is None:
            return
        else:
            yield _long_line(descriptor, begin, end - begin), end + 1 - begin
            begin = end + 1


def newline_positions(raw: bytearray, count: int) -> Numbers:
    """The places of all newlines among the first ``count`` bytes behind the slack.

    The comparison is packed to bits first, so that 64 bytes without a newline are passed over at once.
    """
    is_newline = np.frombuffer(raw, np.uint8, count, PADDING) == NEWLINE
    bits = np.packbits(is_newline, bitorder="little")
    bits = np.concatenate([bits, np.zeros(-len(bits) % 8, np.uint8)]) if len(bits) % 8 else bits
    words = bits.view(np.uint64)
    places = np.flatnonzero(words)
    left = words[places]
    found: list[Numbers] = []
    one = np.uint64(1)
    while len(places):
        lower = left - one
        found.append(places * 64 + np.bitwise_count(~left & lower))
        left &= lower
        more = left != 0
        places, left = places[more], left[more]
    return (
        np.sort(np.concatenate(found), kind="stable") if len(found) > 1 else np.concatenate([*found, places])
    )


def read_into(descriptor: int, room: memoryview, begin: int) -> int:
    """Read a file from ``begin`` on, as much as there is room for; how many bytes there were."""
    filled = 0
    while filled < len(room):
        count = os.preadv(descriptor, [room[filled:]], begin + filled)
        if count == 0:
            break
        filled += count
    return filled


def _starts(ends: Numbers) -> Numbers:
    starts = np.empty_like(ends)
    starts[0] = 0
    starts[1:] = ends[:-1] + 1
    return starts


def next_newline(descriptor: int, begin: int) -> int | None:
    """Where the next newline stands at ``begin`` or behind it; None where there is none."""
    while piece := os.pread(descriptor, BLOCK, begin):
        place = piece.find(b"\n")
        if place >= 0:
            return begin + place
        begin += len(piece)
    return None


def _long_line(descriptor: int, begin: int, length: int) -> LineBlock:
    fits = length <= jsonl.MAX_LINE
    piece = os.pread(descriptor, length, begin) if fits else b""
    raw = bytearray(PADDING) + piece + bytearray(PADDING)
    return LineBlock(
        raw, np.zeros(1, np.int64), np.array([length], np.int64) if fits else np.zeros(1, np.int64)
    )

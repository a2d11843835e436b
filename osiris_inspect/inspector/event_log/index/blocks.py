"""Reads a file in blocks of whole lines with bounded memory."""

import os
from collections.abc import Iterator

import numpy as np

from osiris_inspect.inspector.event_log.index.vectorized import PADDING, LineBlock, Numbers
from osiris_inspect.model import jsonl

BLOCK = 1 << 20
"""Bytes of a block: large enough that a numpy call is cheap, small enough for the processor's cache."""
NEWLINE = 10


def iter_blocks(descriptor: int, begin: int) -> Iterator[tuple[LineBlock, int]]:
    """Yield the lines of each block and the bytes they take, from ``begin`` to the last newline of the file.

    The memory of a block is reused for the next one. A line longer than a block is a block of its own; if it
    is too long to be decoded, the block has its position and an empty line.
    """
    raw = bytearray(BLOCK + 2 * PADDING)
    view = memoryview(raw)[PADDING : PADDING + BLOCK]
    while True:
        count = read_into(descriptor, view, begin)
        ends = newline_positions(raw, count)
        if len(ends):
            consumed = int(ends[-1]) + 1
            yield LineBlock(raw, np.concatenate([[0], ends[:-1] + 1]), ends), consumed
            begin += consumed
        elif count < BLOCK or (end := next_newline(descriptor, begin + count)) is None:
            return
        else:
            yield _long_line(descriptor, begin, end - begin), end + 1 - begin
            begin = end + 1


def newline_positions(raw: bytearray, count: int) -> Numbers:
    """Return the positions of all newlines among the first ``count`` bytes after the padding.

    The comparison is packed to bits first, so that 64 bytes without a newline are skipped at once.
    """
    bits = np.packbits(np.frombuffer(raw, np.uint8, count, PADDING) == NEWLINE, bitorder="little")
    words = np.concatenate([bits, np.zeros(-len(bits) % 8, np.uint8)]).view(np.uint64)
    positions = np.flatnonzero(words)
    words = words[positions]
    newlines = [np.empty(0, np.int64)]
    while len(positions):
        lower = words - np.uint64(1)
        newlines.append(positions * 64 + np.bitwise_count(~words & lower))
        words &= lower  # clears the lowest bit
        more = words != 0
        positions, words = positions[more], words[more]
    return np.sort(np.concatenate(newlines), kind="stable")


def read_into(descriptor: int, buffer: memoryview, begin: int) -> int:
    """Fill ``buffer`` from position ``begin`` of a file; return the number of bytes read."""
    filled = 0
    while filled < len(buffer) and (count := os.preadv(descriptor, [buffer[filled:]], begin + filled)):
        filled += count
    return filled


def next_newline(descriptor: int, begin: int) -> int | None:
    """Return the position of the first newline at or after ``begin``, or None."""
    while block := os.pread(descriptor, BLOCK, begin):
        position = block.find(b"\n")
        if position >= 0:
            return begin + position
        begin += len(block)
    return None


def _long_line(descriptor: int, begin: int, length: int) -> LineBlock:
    line = os.pread(descriptor, length, begin) if length <= jsonl.MAX_LINE else b""
    raw = bytearray(PADDING) + line + bytearray(PADDING)
    return LineBlock(raw, np.zeros(1, np.int64), np.array([len(line)], np.int64))

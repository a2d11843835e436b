"""Finds lines with a text in the bytes of a file, without decoding the others.

Several threads search a block each, with functions that release the interpreter lock. A line belongs to the
block in which it begins. Searching for a literal first and for lines later is what ripgrep does.
"""

import ctypes
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, Final, NamedTuple

import numpy as np

from osiris_inspect.inspector.event_log.index.blocks import next_newline, read_into
from osiris_inspect.inspector.event_log.search.literals import ESCAPE, Literal
from osiris_inspect.model import jsonl

BLOCK: Final = 1 << 20
"""Bytes that a thread searches at once: they and their folded copy fit the processor's cache."""
_MAX_THREADS: Final = 4
_BLOCKS_AHEAD: Final = 4
"""Blocks per thread that may be searched before the first of them is consumed."""
_LOOKBEHIND_BYTES: Final = 1 << 12
"""Bytes read before a block, to see if a line begins with it: one page."""
_LOOKAHEAD_BYTES: Final = 1 << 14
"""Bytes read after a block, so that its last line usually ends there."""
_SAMPLE_COUNT: Final = 16
_SAMPLE_BYTES: Final = 1 << 16
_RARE_THRESHOLD: Final = 1 << 13
"""Bytes per match from which on a search is faster than an index."""

Find = Callable[[int, int, bytes], int]


class MatchedLine(NamedTuple):
    """A line: its number from 0, and its bytes without the newline; none if it exceeds the limit."""

    number: int
    raw: bytes


def rarest_literal(descriptor: int, end: int, literals: Sequence[Literal]) -> Literal | None:
    """Return the literal that is rarest in samples of the file; None if all are frequent."""
    if not literals:
        return None
    positions = range(0, end, max(1, end // _SAMPLE_COUNT))
    samples = [_sample(descriptor, position, end) for position in positions]
    sampled = sum(map(len, samples))
    counts = [sum(sample.count(text) for sample in samples for text in literal) for literal in literals]
    rarest = min(range(len(literals)), key=counts.__getitem__)
    return literals[rarest] if counts[rarest] * _RARE_THRESHOLD <= sampled else None


def _sample(descriptor: int, position: int, end: int) -> bytes:
    raw = os.pread(descriptor, min(_SAMPLE_BYTES, end - position), position)
    return (np.frombuffer(raw, np.uint8) | 0x20).tobytes()


def find_lines(
    descriptor: int, end: int, literal: Literal, *, block: int = BLOCK
) -> Iterator[list[MatchedLine]]:
    """Yield the lines up to ``end`` that may contain a literal, one list for each block.

    The lists include lines with an escape that may hide it, and a long last line of a block. ``end`` is the
    end of a line or of the file.
    """
    threads = min(_MAX_THREADS, os.cpu_count() or 1)
    free: SimpleQueue[_BlockSearcher] = SimpleQueue()
    for _ in range(threads):
        free.put(_BlockSearcher(descriptor, end, literal, block))
    lines = 0
    with ThreadPoolExecutor(threads) as pool:
        searches: deque[Future[tuple[int, list[MatchedLine]]]] = deque()
        for begin in range(0, end, block):
            searches.append(pool.submit(_search, free, begin))
            if len(searches) > _BLOCKS_AHEAD * threads:
                lines, matches = _numbered(lines, searches.popleft())
                yield matches
        while searches:
            lines, matches = _numbered(lines, searches.popleft())
            yield matches


def _search(free: "SimpleQueue[_BlockSearcher]", begin: int) -> tuple[int, list[MatchedLine]]:
    searcher = free.get()
    try:
        return searcher.search_block(begin)
    finally:
        free.put(searcher)


def _numbered(before: int, search: Future[tuple[int, list[MatchedLine]]]) -> tuple[int, list[MatchedLine]]:
    count, lines = search.result()
    return before + count, [line._replace(number=before + line.number) for line in lines]


class _BlockSearcher:
    """Searches blocks in its own buffers."""

    def __init__(self, descriptor: int, end: int, literal: Literal, block: int) -> None:
        self._descriptor, self._end, self._block = descriptor, end, block
        self._literal = literal
        self._raw = bytearray(_LOOKBEHIND_BYTES + block + _LOOKAHEAD_BYTES)
        self._bytes = np.frombuffer(self._raw, np.uint8)
        self._folded, self._is_end = np.empty_like(self._bytes), np.empty(len(self._bytes), bool)
        self._find_raw, self._find_folded = _find_in(self._bytes), _find_in(self._folded)

    def search_block(self, begin: int) -> tuple[int, list[MatchedLine]]:
        """Return the number of lines that begin in a block, and those that may match, numbered from 0."""
        before = min(begin, _LOOKBEHIND_BYTES)
        start = begin - before
        count = read_into(self._descriptor, memoryview(self._raw)[: self._end - start], start)
        if count <= before:
            return 0, []  # the file was truncated meanwhile
        edge = min(before + self._block, count)
        first = self._raw.find(b"\n", before - 1, edge - 1) + 1 if begin else 0
        if begin and not first:
            return 0, []  # part of a line that began before
        stop = self._raw.find(b"\n", edge - 1, count) + 1
        if not stop and start + count < self._end:
            return self._with_long_line(start, first, count)
        stop = stop or count
        return self._lines(first, stop), self._matches(first, stop)

    def _with_long_line(self, start: int, first: int, count: int) -> tuple[int, list[MatchedLine]]:
        """Return the same for a block whose last line ends after the bytes that were read."""
        last = self._raw.rfind(b"\n", first, count) + 1 or first
        end = next_newline(self._descriptor, start + count)
        end = self._end if end is None else min(end, self._end)
        length = end - start - last
        raw = os.pread(self._descriptor, length, start + last) if length <= jsonl.MAX_LINE else b""
        before = self._lines(first, last)
        return before + 1, [*self._matches(first, last), MatchedLine(before, raw)]

    def _lines(self, first: int, stop: int) -> int:
        """Return the number of lines that end here, and mark their ends."""
        if first == stop:
            return 0
        ends = np.equal(self._bytes[first:stop], ord("\n"), out=self._is_end[first:stop])
        return int(np.count_nonzero(ends))

    def _matches(self, first: int, stop: int) -> list[MatchedLine]:
        """Return the lines that may match; ``_lines`` must have marked their ends."""
        raw, matches = self._raw, list[MatchedLine]()
        counted, number = first, 0
        for position in sorted(self._positions(first, stop)):
            if matches and position < counted:
                continue  # in the previous match
            begin = raw.rfind(b"\n", first, position) + 1 or first
            end = raw.find(b"\n", position, stop)
            end = stop if end < 0 else end
            number += int(np.count_nonzero(self._is_end[counted:begin]))
            matches.append(MatchedLine(number, bytes(raw[begin:end])))
            counted = end
        return matches

    def _positions(self, first: int, stop: int) -> Iterator[int]:
        np.bitwise_or(self._bytes[first:stop], 0x20, out=self._folded[first:stop])
        for text in self._literal:
            yield from self._positions_of(text, first, stop)
        if self._find_raw(first, stop, b"\\") >= 0:
            yield from self._escape_positions(first, stop)

    def _escape_positions(self, first: int, stop: int) -> Iterator[int]:
        """Yield the first position in each line of an escape that may hide a literal."""
        while (position := self._find_raw(first, stop, ESCAPE)) >= 0:
            first = position + len(ESCAPE)
            if self._raw[first] in b"234567":
                yield position
                first = self._raw.find(b"\n", position, stop)
                if first < 0:
                    return

    def _positions_of(self, text: bytes, first: int, stop: int) -> Iterator[int]:
        """Yield the first position in each line."""
        while (position := self._find_folded(first, stop, text)) >= 0:
            yield position
            first = self._raw.find(b"\n", position, stop)
            if first < 0:
                return


def _find_in(haystack: "np.ndarray[Any, Any]") -> Find:
    """Return a function that finds a text in a part of an array; it returns -1 if there is none."""
    memmem = getattr(ctypes.CDLL(None), "memmem", None) if os.name == "posix" else None
    if memmem is None:

        def find_in_copy(first: int, stop: int, text: bytes) -> int:
            position = haystack[first:stop].tobytes().find(text)
            return first + position if position >= 0 else -1

        return find_in_copy
    memmem.restype = ctypes.c_void_p
    memmem.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t)
    address = haystack.ctypes.data

    def find(first: int, stop: int, text: bytes) -> int:
        position = memmem(address + first, stop - first, text, len(text))
        return -1 if position is None else position - address

    return find

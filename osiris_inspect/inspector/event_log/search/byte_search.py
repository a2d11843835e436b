"""Lines of a file that hold some text, found in its bytes: nothing is decoded, and only what is found is split.

Several threads look at a block each, with functions that let go of the interpreter meanwhile. A line belongs to the block
in which it begins.

Source: to look for a literal first and at lines later is what ripgrep does.
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
from osiris_inspect.inspector.event_log.search.literals import ESCAPE, Literal, casefold_ascii
from osiris_inspect.model import jsonl

BLOCK: Final = 1 << 20
"""Bytes that one thread looks at at once: they and their folded copy fit the processor's cache."""
_MOST_THREADS: Final = 4
_BLOCKS_AHEAD: Final = 4
"""Blocks for each thread that may be looked at before the first of them is asked for."""
_BEFORE: Final = 1 << 12
"""Bytes before a block that are read along with it, to see whether a line begins with it: a page, since pages are copied."""
_TAIL: Final = 1 << 14
"""Bytes behind a block that are read along with it, for its last line to end there."""
_SAMPLES: Final = 16
_SAMPLE: Final = 1 << 16
_RARE_THRESHOLD: Final = 1 << 13
"""Bytes for each find from which on looking for it is worth more than an index."""

Find = Callable[[int, int, bytes], int]


class MatchedLine(NamedTuple):
    """A line that was found: its number in the file, from 0, and its bytes without the newline.

    The bytes of a line that is too long to be decoded are left out.
    """

    number: int
    raw: bytes


def rarest_literal(descriptor: int, end: int, needles: Sequence[Literal]) -> Literal | None:
    """The needle that stands in the fewest lines, as samples of the file tell.

    None where there is none, or where it stands in so many lines that looking for it spares nothing.
    """
    if not needles:
        return None
    places = range(0, end, max(1, end // _SAMPLES))
    samples = [_sample(descriptor, place, end) for place in places]
    looked_at = sum(map(len, samples))
    counts = [sum(sample.count(text) for sample in samples for text in needle) for needle in needles]
    least_often = min(range(len(needles)), key=counts.__getitem__)
    return needles[least_often] if counts[least_often] * _RARE_THRESHOLD <= looked_at else None


def _sample(descriptor: int, place: int, end: int) -> bytes:
    raw = os.pread(descriptor, min(_SAMPLE, end - place), place)
    return (np.frombuffer(raw, np.uint8) | 0x20).tobytes()


def find_lines(
    descriptor: int, end: int, literal: Literal, *, block: int = BLOCK
) -> Iterator[list[MatchedLine]]:
    """The lines up to ``end`` that may hold a needle, block by block; an empty list for a block without one.

    Lines with an escape that may hide it are among them, and the last one of a block where it is a long one. ``end`` is
    where a line ends, or the end of the file.
    """
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    free: SimpleQueue[_BlockSearcher] = SimpleQueue()
    for _ in range(threads):
        free.put(_BlockSearcher(descriptor, end, literal, block))
    lines = 0
    with ThreadPoolExecutor(threads) as pool:
        looking: deque[Future[tuple[int, list[MatchedLine]]]] = deque()
        for begin in range(0, end, block):
            looking.append(pool.submit(_look, free, begin))
            if len(looking) > _BLOCKS_AHEAD * threads:
                lines, found = _counted(lines, looking.popleft())
                yield found
        while looking:
            lines, found = _counted(lines, looking.popleft())
            yield found


def _look(free: "SimpleQueue[_BlockSearcher]", begin: int) -> tuple[int, list[MatchedLine]]:
    looker = free.get()
    try:
        return looker.search_block(begin)
    finally:
        free.put(looker)


def _counted(before: int, looked: Future[tuple[int, list[MatchedLine]]]) -> tuple[int, list[MatchedLine]]:
    count, found = looked.result()
    return before + count, [line._replace(number=before + line.number) for line in found]


class _BlockSearcher:
    """Looks at one block after the other, in memory of its own."""

    def __init__(self, descriptor: int, end: int, literal: Literal, block: int) -> None:
        self._descriptor, self._end, self._block = descriptor, end, block
        self._needle = literal
        self._raw = bytearray(_BEFORE + block + _TAIL)
        self._bytes = np.frombuffer(self._raw, np.uint8)
        self._folded, self._is_end = np.empty_like(self._bytes), np.empty(len(self._bytes), bool)
        self._find_raw, self._find_folded = _find_in(self._bytes), _find_in(self._folded)

    def search_block(self, begin: int) -> tuple[int, list[MatchedLine]]:
        """How many lines begin in a block, and those of them that may hold the needle, numbered from the first one on."""
        before = min(begin, _BEFORE)
        at = begin - before
        count = read_into(self._descriptor, memoryview(self._raw)[: self._end - at], at)
        if count <= before:
            return 0, []  # the file was cut meanwhile
        edge = min(before + self._block, count)
        first = self._raw.find(b"\n", before - 1, edge - 1) + 1 if begin else 0
        if begin and not first:
            return 0, []  # all of it is part of a line that began before
        stop = self._raw.find(b"\n", edge - 1, count) + 1
        if not stop and at + count < self._end:
            return self._with_long_line(at, first, count)
        stop = stop or count
        return self._lines(first, stop), self._found(first, stop)

    def _with_long_line(self, at: int, first: int, count: int) -> tuple[int, list[MatchedLine]]:
        """The same where the last line goes on behind what was read."""
        last = self._raw.rfind(b"\n", first, count) + 1 or first
        end = next_newline(self._descriptor, at + count)
        end = self._end if end is None else min(end, self._end)
        length = end - at - last
        raw = os.pread(self._descriptor, length, at + last) if length <= jsonl.MAX_LINE else b""
        before = self._lines(first, last)
        return before + 1, [*self._found(first, last), MatchedLine(before, raw)]

    def _lines(self, first: int, stop: int) -> int:
        """How many lines end there; where they end is marked."""
        if first == stop:
            return 0
        ends = np.equal(self._bytes[first:stop], ord("\n"), out=self._is_end[first:stop])
        return int(np.count_nonzero(ends))

    def _found(self, first: int, stop: int) -> list[MatchedLine]:
        """The lines that may hold the needle; their ends have been marked."""
        raw, found = self._raw, list[MatchedLine]()
        known, number = first, 0
        for place in sorted(self._places(first, stop)):
            if found and place < known:
                continue  # in the line that was found just before
            begin = raw.rfind(b"\n", first, place) + 1 or first
            end = raw.find(b"\n", place, stop)
            end = stop if end < 0 else end
            number += int(np.count_nonzero(self._is_end[known:begin]))
            found.append(MatchedLine(number, bytes(raw[begin:end])))
            known = end
        return found

    def _places(self, first: int, stop: int) -> Iterator[int]:
        np.bitwise_or(self._bytes[first:stop], 0x20, out=self._folded[first:stop])
        for text in self._needle:
            yield from self._places_of(text, first, stop)
        if self._find_raw(first, stop, b"\\") >= 0:
            for place in self._places_of(casefold_ascii(ESCAPE), first, stop):
                if self._raw.startswith(ESCAPE, place) and self._raw[place + len(ESCAPE)] in b"234567":
                    yield place

    def _places_of(self, text: bytes, first: int, stop: int) -> Iterator[int]:
        """The first place in each line."""
        while (place := self._find_folded(first, stop, text)) >= 0:
            yield place
            first = self._raw.find(b"\n", place, stop)
            if first < 0:
                return


def _find_in(haystack: "np.ndarray[Any, Any]") -> Find:
    """Finds a text in a part of some bytes; -1 where it is not there."""
    memmem = getattr(ctypes.CDLL(None), "memmem", None) if os.name == "posix" else None
    if memmem is None:

        def find_in_copy(first: int, stop: int, text: bytes) -> int:
            place = haystack[first:stop].tobytes().find(text)
            return first + place if place >= 0 else -1

        return find_in_copy
    memmem.restype = ctypes.c_void_p
    memmem.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t)
    address = haystack.ctypes.data

    def find(first: int, stop: int, text: bytes) -> int:
        place = memmem(address + first, stop - first, text, len(text))
        return -1 if place is None else place - address

    return find

"""Index of the lines of a log, ten bytes a line: the position, event name, step and time of each line.

The index grows with its file: only new whole lines are read. Most lines are not decoded (see ``scanner``);
the fields of an event are always decoded from the file. Lines count from 0.

Event, step and time have an index of their own instead of columns that DuckDB reads, as other fields have. Measured on
1M events of 260 bytes: this index takes 0.7 s of CPU, DuckDB 1.3 s to read the three and write Parquet; DuckDB does not know
the position of a line and skips blank lines; and DuckDB and Arrow are 0.3 s of imports, more than a whole answer from the
index. Both take 8 to 9 MB.
"""

import hashlib
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from osiris_inspect.inspector.event_log.index.blocks import iter_blocks
from osiris_inspect.inspector.event_log.index.name_codes import NameTable
from osiris_inspect.inspector.event_log.index.scanner import NO_EVENT, LineColumns, LineScanner
from osiris_inspect.inspector.event_log.index.vectorized import NO_TIME, IntArray, LineBlock, Numbers
from osiris_inspect.model.failure import is_failure

GROUP = 1024
"""Lines per stored position; the position of a line is that of its group plus the lengths before it."""
LONG = 65535
"""The length stored for a line of at least this many bytes."""
NO_TIMESTAMP = 0xFFFFFFFF
HEAD_BYTES = 4096
"""Bytes at the beginning of a file by which it is recognized."""
TAIL_BYTES = 65536
"""Bytes before the end of the indexed part by which a rewritten file is recognized."""
_DAY_MS = 86_400_000
_CHUNK_LINES = 1 << 16
_CHUNK_GROUPS = 64
"""Groups whose lines are located at once: few enough for the processor's cache."""

ProgressCallback = Callable[[int, int], bool]
"""Receives the bytes indexed so far and the size of the file; returns False to stop."""
COLUMNS: dict[str, Any] = {
    "lengths": np.uint16,
    "kinds": np.uint8,
    "steps": np.uint16,
    "times": np.uint32,
    "bases": np.uint64,
    "failures": np.uint32,
}


class GrowingColumn:
    """An array that values can be appended to."""

    def __init__(self, dtype: Any, values: IntArray | None = None) -> None:
        self._values: IntArray = np.empty(0, dtype) if values is None else values
        self.count = len(self._values)

    @property
    def values(self) -> IntArray:
        """The values so far."""
        return self._values[: self.count]

    def extend(self, values: IntArray) -> None:
        """Append values."""
        needed = self.count + len(values)
        if needed > len(self._values) or not self._values.flags.writeable:
            grown = np.empty(max(needed, 2 * self.count), self._values.dtype)
            grown[: self.count] = self.values
            self._values = grown
        self._values[self.count : needed] = values
        self.count = needed


@dataclass(slots=True)
class Bucket:
    """An interval of a run: its start in seconds since 1970, the number of its events and of its failures."""

    start: float
    events: int
    failure_lines: int


@dataclass(slots=True)
class LineIndex:
    """The lines of one log.

    Attributes:
        size: indexed bytes, up to the end of the last whole line.
        head_digest, tail_digest: digests of the first and of the last of these bytes.
        scanner: the names of events and steps, and the templates of the lines.
        base: the zero of ``times`` in ms since 1970; None before the first time.
        earliest, latest: the first and the last time in ms from ``base``.
        long: the length of each line of at least ``LONG`` bytes.
    """

    size: int = 0
    head_digest: str = ""
    tail_digest: str = ""
    scanner: LineScanner = field(default_factory=LineScanner)
    base: int | None = None
    earliest: int = NO_TIMESTAMP
    latest: int = 0
    long: dict[int, int] = field(default_factory=dict)
    columns: dict[str, GrowingColumn] = field(
        default_factory=lambda: {name: GrowingColumn(dtype) for name, dtype in COLUMNS.items()}
    )
    _failure_codes: list[int] = field(default_factory=list)
    _checked_names: int = 0

    def __len__(self) -> int:
        return self.columns["kinds"].count

    def is_sound(self) -> bool:
        """Return True if the lengths of the columns agree; those of a damaged cache file may not."""
        count = len(self)
        per_line = all(self.columns[name].count == count for name in ("lengths", "steps", "times"))
        return per_line and self.columns["bases"].count == -(-count // GROUP)

    # ── growing ──

    def index_new_lines(self, descriptor: int, *, on_progress: ProgressCallback | None = None) -> int:
        """Index the whole lines that were added to the file and return their number.

        A file that was truncated or rewritten is indexed from its beginning. ``on_progress`` is called after
        each block; if it returns False, the rest is not indexed.
        """
        if not self.matches_file(descriptor):
            self.clear()
        before, end = len(self), os.fstat(descriptor).st_size
        for lines, consumed in iter_blocks(descriptor, self.size):
            self._add(lines, consumed)
            if on_progress is not None and not on_progress(self.size, end):
                break
        self.head_digest, self.tail_digest = end_digests(descriptor, self.size)
        return len(self) - before

    def matches_file(self, descriptor: int) -> bool:
        """Return True if the first and the last bytes of the indexed part are unchanged."""
        if self.size == 0 or self.size > os.fstat(descriptor).st_size:
            return self.size == 0
        return (self.head_digest, self.tail_digest) == end_digests(descriptor, self.size)

    def clear(self) -> None:
        """Become the index of an empty file."""
        empty = LineIndex()
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(empty, name))

    def _add(self, lines: LineBlock, consumed: int) -> None:
        first, columns = len(self), self.scanner.scan(lines)
        lengths = np.diff(lines.starts, append=consumed)
        long = np.flatnonzero(lengths >= LONG).tolist()
        self.long.update((first + line, int(lengths[line])) for line in long)
        failures = first + np.flatnonzero(_is_among(columns.event_names, self._codes_of_failures(), 256))
        new_values: dict[str, IntArray] = {
            "bases": self.size + lines.starts[-first % GROUP :: GROUP],
            "lengths": np.minimum(lengths, LONG),
            "kinds": columns.event_names,
            "steps": columns.steps,
            "times": self._relative_times(columns),
            "failures": failures,
        }
        for name, values in new_values.items():
            self.columns[name].extend(values)
        self.size += consumed

    def _relative_times(self, columns: LineColumns) -> Numbers:
        """Return the times in ms from ``base``, ``NO_TIMESTAMP`` for those unknown or out of range."""
        if self.base is None:
            known = columns.times[columns.times != NO_TIME]
            if not len(known):
                return np.full(len(columns.times), NO_TIMESTAMP)
            # clocks of two machines differ: some lines may be older than the first
            self.base = int(known[0]) - _DAY_MS
        times = columns.times - self.base
        times[(columns.times == NO_TIME) | (times < 0) | (times >= NO_TIMESTAMP)] = NO_TIMESTAMP
        self.earliest = min(self.earliest, int(times.min()))
        self.latest = max(self.latest, int(times.max(initial=0, where=times != NO_TIMESTAMP)))
        return times

    def _codes_of_failures(self) -> list[int]:
        names = self.scanner.event_names.texts
        new = enumerate(names[self._checked_names :], start=self._checked_names + 1)
        self._failure_codes += [code for code, name in new if is_failure(name)]
        self._checked_names = len(names)
        return self._failure_codes

    # ── positions ──

    def byte_range(self, line: int) -> tuple[int, int]:
        """Return the positions in the file where a line begins and ends, including its newline."""
        starts, ends = self._positions(np.array([line]))
        return int(starts[0]), int(ends[0])

    def positions(self, begin: int, end: int) -> Numbers:
        """Return where the lines from ``begin``, the first of a group, to before ``end`` begin, and where the last ends."""
        lengths = self.columns["lengths"].values[begin:end].astype(np.int64)
        if self.long:
            for number in np.flatnonzero(lengths == LONG).tolist():
                lengths[number] = self.long[begin + number]
        first = int(self.columns["bases"].values[begin // GROUP])
        return np.concatenate([[first], first + np.cumsum(lengths)])

    def spans(self, lines: Numbers | range) -> Iterator[tuple[Numbers, Numbers, Numbers]]:
        """Yield the numbers, beginnings and ends of lines, many at once; they must be in the order of the file."""
        begin = 0
        while begin < len(lines):
            chunk = np.asarray(lines[begin : begin + _CHUNK_LINES], np.int64)
            next_groups = np.flatnonzero(np.diff(chunk // GROUP)) + 1
            if len(next_groups) >= _CHUNK_GROUPS:
                chunk = chunk[: next_groups[_CHUNK_GROUPS - 1]]
            yield chunk, *self._positions(chunk)
            begin += len(chunk)

    def _positions(self, lines: Numbers) -> tuple[Numbers, Numbers]:
        """Return the beginnings and ends of lines of a few groups, which must be in the order of the file."""
        firsts = np.flatnonzero(np.diff(lines // GROUP, prepend=-1))
        groups, rows = (
            lines[firsts] // GROUP,
            np.repeat(np.arange(len(firsts)), np.diff(firsts, append=len(lines))),
        )
        members = np.minimum(groups[:, None] * GROUP + np.arange(GROUP), len(self) - 1)
        lengths = self.columns["lengths"].values[members].astype(np.int64)
        for row, column in np.argwhere(lengths == LONG).tolist() if self.long else ():
            lengths[row, column] = self.long[int(members[row, column])]
        ends = np.cumsum(lengths, axis=1) + self.columns["bases"].values[groups].astype(np.int64)[:, None]
        cells = rows, lines % GROUP
        return ends[cells] - lengths[cells], ends[cells]

    def is_blank(self, line: int) -> bool:
        """Return True if a line has no more than its newline."""
        return int(self.columns["lengths"].values[line]) <= len(b"\r\n")

    # ── questions ──

    @property
    def event_codes(self) -> IntArray:
        """The code of each line's event name; ``NO_EVENT`` for a line that is not an event."""
        return self.columns["kinds"].values

    @property
    def steps(self) -> IntArray:
        """The code of each line's step; 0 for a line without one."""
        return self.columns["steps"].values

    @property
    def times(self) -> IntArray:
        """The time of each line in ms from ``base``; ``NO_TIMESTAMP`` for a line without one."""
        return self.columns["times"].values

    @property
    def failure_lines(self) -> IntArray:
        """The lines whose event reports a failure."""
        return self.columns["failures"].values

    def unreadable(self) -> Numbers:
        """Return the lines that are not events, including blank ones."""
        return np.flatnonzero(self.event_codes == NO_EVENT)

    def lines_with_names(self, chunk: slice, codes: Sequence[int]) -> IntArray:
        """Return which lines of a chunk have one of these event names."""
        return _is_among(self.event_codes[chunk], codes, 256)

    def lines_with_steps(self, chunk: slice, codes: Sequence[int]) -> IntArray:
        """Return which lines of a chunk have one of these steps."""
        return _is_among(self.steps[chunk], codes, 65536)

    def lines_between(self, chunk: slice, since: float | None, until: float | None) -> IntArray:
        """Return which lines of a chunk are in a period (seconds since 1970), or have an unknown time."""
        times = self.times[chunk]
        if self.base is None:
            return np.ones(len(times), bool)
        low = 0 if since is None else _clamp(math.floor(since * 1000) - 1 - self.base)
        high = NO_TIMESTAMP if until is None else _clamp(math.ceil(until * 1000) + 1 - self.base)
        matches: IntArray = (times >= np.uint32(low)) & (times <= np.uint32(high)) | (times == NO_TIMESTAMP)
        return matches

    def next_failure(self, line: int) -> int | None:
        """Return the first line after ``line`` that reports a failure."""
        number = int(np.searchsorted(self.failure_lines, line, side="right"))
        return int(self.failure_lines[number]) if number < len(self.failure_lines) else None

    def previous_failure(self, line: int) -> int | None:
        """Return the last line before ``line`` that reports a failure."""
        number = int(np.searchsorted(self.failure_lines, line, side="left"))
        return int(self.failure_lines[number - 1]) if number else None

    def period(self) -> tuple[float, float] | None:
        """Return the earliest and the latest time in seconds since 1970; None if no line has one."""
        if self.base is None or self.earliest == NO_TIMESTAMP:
            return None
        return (self.base + self.earliest) / 1000, (self.base + self.latest) / 1000

    def timeline(self, buckets: int) -> list[Bucket]:
        """Divide the period of the log into equal intervals, oldest first; empty if no line has a time."""
        if self.base is None or self.earliest == NO_TIMESTAMP:
            return []
        width = -(-(self.latest - self.earliest + 1) // buckets)
        edges = self.earliest + width * np.arange(buckets + 1)
        events = np.zeros(buckets, np.int64)
        for begin in range(0, len(self), _CHUNK_LINES):
            events += _count_between(self.times[begin : begin + _CHUNK_LINES], edges, width)
        failures = _count_between(self.times[self.failure_lines], edges, width)
        starts = ((edges + self.base) / 1000).tolist()
        return [Bucket(*values) for values in zip(starts, events.tolist(), failures.tolist(), strict=False)]

    def key_lines(self, limit: int) -> Numbers:
        """Return the first and the last ``limit`` lines of each event name of each step."""
        return np.union1d(self._first_lines(limit, backward=False), self._first_lines(limit, backward=True))

    def _first_lines(self, limit: int, *, backward: bool) -> Numbers:
        groups = len(self.scanner.steps.texts) + 2
        remaining = np.full(256 * groups, limit, np.int64)
        remaining[:groups] = 0  # lines that are not events
        selected = [np.empty(0, np.int64)]
        begins = range(0, len(self), _CHUNK_LINES)
        for begin in reversed(begins) if backward else begins:
            steps = np.minimum(self.steps[begin : begin + _CHUNK_LINES], groups - 1)
            group = self.event_codes[begin : begin + _CHUNK_LINES].astype(np.int64) * groups + steps
            lines = np.flatnonzero(remaining[group] > 0)
            if len(lines):
                lines = lines[::-1] if backward else lines
                lines = lines[_rank(group[lines]) < remaining[group[lines]]]
                selected.append(lines + begin)
                np.subtract.at(remaining, group[lines], 1)
        return np.concatenate(selected)


def end_digests(descriptor: int, size: int) -> tuple[str, str]:
    """Return the digests of the first and of the last of ``size`` bytes."""
    begin = max(0, size - TAIL_BYTES)
    parts = (os.pread(descriptor, min(HEAD_BYTES, size), 0), os.pread(descriptor, size - begin, begin))
    head, tail = (hashlib.blake2b(part, digest_size=16).hexdigest() for part in parts)
    return head, tail


def codes_for_names(names: NameTable, matches: Callable[[str], bool]) -> list[int]:
    """Return the codes of the names that match, and the shared code of late names if there are such."""
    codes = [code for code, text in enumerate(names.texts, start=1) if matches(text)]
    return [*codes, names.other] if names.is_full else codes


def _is_among(column: IntArray, codes: Sequence[int], size: int) -> IntArray:
    table = np.zeros(size, bool)
    table[list(codes)] = True
    is_among: IntArray = table[column]
    return is_among


def _clamp(time: int) -> int:
    return max(0, min(time, NO_TIMESTAMP - 1))


def _count_between(times: IntArray, edges: Numbers, width: int) -> Numbers:
    """Return the number of times between each two edges."""
    if (
        len(times) and times[-1] != NO_TIMESTAMP and (times[1:] >= times[:-1]).all()
    ):  # most logs; 20 times faster
        counts: Numbers = np.diff(np.searchsorted(times, np.minimum(edges, NO_TIMESTAMP).astype(np.uint32)))
        return counts
    known = times[times != NO_TIMESTAMP]
    return np.bincount((known - np.uint32(edges[0])) // np.uint32(width), minlength=len(edges) - 1)


def _rank(groups: Numbers) -> Numbers:
    """Return for each element the number of equal elements before it."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    new = np.flatnonzero(np.diff(ordered, prepend=ordered[0] - 1))
    starts = np.repeat(new, np.diff(new, append=len(ordered)))
    ranks = np.empty_like(groups)
    ranks[order] = np.arange(len(groups)) - starts
    return ranks

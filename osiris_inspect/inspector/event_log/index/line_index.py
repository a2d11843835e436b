"""Where each line of a log begins and what it is: ten bytes a line, so that a long log answers at once.

The index grows with its file: only new whole lines are read. It is sniffed, not decoded (see ``sniff``), so it finds
lines; what a line says is always decoded from the file. Lines count from 0 here.
"""

import hashlib
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from osiris_inspect.inspector.event_log.index.name_codes import NameTable
from osiris_inspect.inspector.event_log.index.scan_result import ScannedBlock, scan_blocks
from osiris_inspect.inspector.event_log.index.scan_workers import (
    Partitioning,
    ScanWorker,
    default_partitioning,
    start_workers,
)
from osiris_inspect.inspector.event_log.index.scanner import NO_EVENT, LineColumns, LineScanner
from osiris_inspect.inspector.event_log.index.vectorized import NO_TIME, Numbers
from osiris_inspect.model.failure import is_failure

GROUP = 1024
"""Lines that share one place in the file; the place of a line is that of its group and the lengths before it."""
LONG = 65535
"""The length that stands for a longer one."""
NO_TIMESTAMP = 0xFFFFFFFF
HEAD = 4096
"""Bytes at the beginning of a file by which it is known again."""
LAST = 65536
"""Bytes before the end of what is indexed by which it is known that nothing before was written anew."""
_DAY = 86_400_000
_SCAN = 1 << 16

IntArray = npt.NDArray[Any]
ProgressCallback = Callable[[int, int], bool]
"""Is given the bytes indexed so far and the bytes of the file; says whether to go on."""
COLUMNS: dict[str, Any] = {
    "lengths": np.uint16,
    "kinds": np.uint8,
    "steps": np.uint16,
    "times": np.uint32,
    "bases": np.uint64,
    "failures": np.uint32,
}


class GrowingColumn:
    """A column that grows."""

    def __init__(self, dtype: Any, values: IntArray | None = None) -> None:
        self._values: IntArray = np.empty(0, dtype) if values is None else values
        self.count = len(self._values)

    @property
    def values(self) -> IntArray:
        """What it holds."""
        return self._values[: self.count]

    def extend(self, values: IntArray, *, expected: int = 0) -> None:
        """Add values; ``expected`` says how many there will be in all, where that can be guessed."""
        needed = self.count + len(values)
        if needed > len(self._values) or not self._values.flags.writeable:
            # pages that are never written take no memory, so a guess may be generous
            grown = np.empty(max(needed, expected, 2 * self.count), self._values.dtype)
            grown[: self.count] = self.values
            self._values = grown
        self._values[self.count : needed] = values
        self.count = needed


@dataclass(slots=True)
class Bucket:
    """A slice of a run's time: when it begins (seconds since 1970), its events, and those that tell of a failure."""

    start: float
    events: int
    failure_lines: int


@dataclass(slots=True)
class LineIndex:
    """The lines of one log.

    Attributes:
        size: bytes that are indexed: up to the end of the last whole line.
        head, last: digests of the first and of the last of these bytes.
        sniffer: the names of its events and steps, and the shapes of its lines.
        base: what the times count from, in ms since 1970; None before the first time.
        earliest, latest: the first and the last time, as ``times`` has them.
        long: the lengths of lines that are too long for their column.
    """

    size: int = 0
    head_digest: str = ""
    tail_digest: str = ""
    sniffer: LineScanner = field(default_factory=LineScanner)
    base: int | None = None
    earliest: int = NO_TIMESTAMP
    latest: int = 0
    long: dict[int, int] = field(default_factory=dict)
    columns: dict[str, GrowingColumn] = field(
        default_factory=lambda: {name: GrowingColumn(dtype) for name, dtype in COLUMNS.items()}
    )
    _bad: IntArray = field(default_factory=lambda: np.zeros(256, bool))
    _checked_kinds: int = 0

    def __len__(self) -> int:
        return self.columns["kinds"].count

    def is_sound(self) -> bool:
        """Whether the columns belong together; one that was read from a damaged file may not be."""
        count = len(self)
        per_line = all(self.columns[name].count == count for name in ("lengths", "steps", "times"))
        return per_line and self.columns["bases"].count == -(-count // GROUP)

    # ── growing ──

    def index_new_lines(
        self,
        descriptor: int,
        *,
        on_progress: ProgressCallback | None = None,
        sharing: Partitioning | None = None,
    ) -> int:
        """Index the whole lines that were added to the file; how many there were.

        A file that was cut or written anew is indexed from its beginning. A long one is shared out among processes.
        ``told`` is asked after each block; where it says False the index stops growing.
        """
        if not self.matches_file(descriptor):
            self.clear()
        before, end = len(self), os.fstat(descriptor).st_size
        with start_workers(descriptor, self.size, sharing or default_partitioning()) as others:
            for block in self._scan_blocks(descriptor, others):
                if block is not None:
                    self._add(block, end)
                for mate in others:
                    mate.poll_messages()
                if on_progress is not None and not on_progress(
                    self.size + sum(mate.pending for mate in others), end
                ):
                    break
        self.head_digest = _digest(descriptor, 0, min(HEAD, self.size))
        self.tail_digest = _digest(descriptor, max(0, self.size - LAST), self.size)
        return len(self) - before

    def _scan_blocks(self, descriptor: int, others: Sequence[ScanWorker]) -> Iterator[ScannedBlock | None]:
        """The blocks behind what is indexed in the order of the file, each to be added before the next is asked for.

        What one of the others left is sniffed here.
        """
        for mate in others:
            yield from scan_blocks(descriptor, self.size, self.sniffer, until=mate.begin)
            if self.size == mate.begin:
                yield from mate.blocks(self.sniffer)
            else:
                mate.stop()  # the file changed under its hands
        yield from scan_blocks(descriptor, self.size, self.sniffer)

    def matches_file(self, descriptor: int) -> bool:
        """Whether a file begins as the indexed one did, and has the last indexed bytes where they were."""
        size = self.size
        if size == 0 or size > os.fstat(descriptor).st_size:
            return size == 0
        return self.head_digest == _digest(descriptor, 0, min(HEAD, size)) and self.tail_digest == _digest(
            descriptor, max(0, size - LAST), size
        )

    def clear(self) -> None:
        """Become the index of an empty file."""
        empty = LineIndex()
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(empty, name))

    def _add(self, block: ScannedBlock, end: int) -> None:
        told, lengths = block.line_columns, block.lengths
        first, count = len(self), len(lengths)
        expected = int((first + count) * (end / (self.size + block.consumed)) * 1.05)
        starts = np.cumsum(lengths) - lengths
        self._extend("bases", self.size + starts[-first % GROUP :: GROUP], expected // GROUP)
        if block.consumed - count >= LONG and (lengths >= LONG).any():
            self.long.update(
                (first + line, int(lengths[line])) for line in np.flatnonzero(lengths >= LONG).tolist()
            )
            lengths = np.minimum(lengths, LONG)
        self._extend("lengths", lengths, expected)
        self._extend("kinds", told.event_names, expected)
        self._extend("steps", told.steps, expected)
        self._extend("times", self._relative(told), expected)
        self._extend("failures", first + np.flatnonzero(self._is_bad(told.event_names)), 0)
        self.size += block.consumed

    def _extend(self, column: str, values: IntArray, expected: int) -> None:
        self.columns[column].extend(values.astype(COLUMNS[column], copy=False), expected=expected)

    def _relative(self, on_progress: LineColumns) -> Numbers:
        if self.base is None:
            known = on_progress.times[on_progress.times != NO_TIME]
            if not len(known):
                return np.full(len(on_progress.times), NO_TIMESTAMP)
            self.base = (
                int(known[0]) - _DAY
            )  # clocks of two machines differ: some lines may be older than the first
        times = on_progress.times - self.base
        first, last = int(times.min()), int(times.max())
        none = NO_TIME - self.base
        if first >= 0 and last < NO_TIMESTAMP and (none < first or not (times == none).any()):
            self.earliest, self.latest = min(self.earliest, first), max(self.latest, last)
            return times
        strange = (on_progress.times == NO_TIME) | (times < 0) | (times >= NO_TIMESTAMP)
        if not strange.all():
            self.earliest = min(self.earliest, int(times.min(initial=NO_TIMESTAMP, where=~strange)))
            self.latest = max(self.latest, int(times.max(initial=0, where=~strange)))
        times[strange] = NO_TIMESTAMP
        return times

    def _is_bad(self, event_codes: IntArray) -> IntArray:
        new = self.sniffer.event_names.texts[self._checked_kinds :]
        self._bad[self._checked_kinds + 1 : self._checked_kinds + 1 + len(new)] = [
            is_failure(name) for name in new
        ]
        self._checked_kinds += len(new)
        bad: IntArray = self._bad[event_codes]
        return bad

    # ── places ──

    def byte_range(self, line: int) -> tuple[int, int]:
        """Where a line begins in the file and where it ends, its newline included."""
        starts, ends = self._spans_of(line // GROUP)
        return int(starts[line % GROUP]), int(ends[line % GROUP])

    def spans(self, lines: Numbers | range) -> Iterator[tuple[int, int, int]]:
        """Number, beginning and end of lines that stand in the order of the file."""
        for at in range(0, len(lines), _SCAN):
            part = np.asarray(lines[at : at + _SCAN], np.int64)
            for members in np.split(part, np.flatnonzero(np.diff(part // GROUP)) + 1):
                starts, ends = self._spans_of(int(members[0]) // GROUP)
                places = members % GROUP
                yield from zip(members.tolist(), starts[places].tolist(), ends[places].tolist(), strict=True)

    def _spans_of(self, group: int) -> tuple[Numbers, Numbers]:
        lengths = self.columns["lengths"].values[group * GROUP : (group + 1) * GROUP].astype(np.int64)
        if self.long:
            for number in np.flatnonzero(lengths == LONG).tolist():
                lengths[number] = self.long[group * GROUP + number]
        ends = np.cumsum(lengths) + int(self.columns["bases"].values[group])
        return ends - lengths, ends

    def is_blank(self, line: int) -> bool:
        """Whether a line is too short to hold anything."""
        return int(self.columns["lengths"].values[line]) <= len(b"\r\n")

    # ── questions ──

    @property
    def event_codes(self) -> IntArray:
        """The code of each line's event; ``NO_EVENT`` for a line that is none."""
        return self.columns["kinds"].values

    @property
    def steps(self) -> IntArray:
        """The code of each line's step; 0 for a line without one."""
        return self.columns["steps"].values

    @property
    def times(self) -> IntArray:
        """The time of each line in ms from ``base``; ``UNTIMED`` for a line without one."""
        return self.columns["times"].values

    @property
    def failure_lines(self) -> IntArray:
        """The lines whose event tells of a failure."""
        return self.columns["failures"].values

    def counts(self) -> dict[str, int]:
        """How many events there are of each name, as it is written."""
        counted = np.bincount(self.event_codes, minlength=256)
        named = {
            name: int(counted[code]) for code, name in enumerate(self.sniffer.event_names.texts, start=1)
        }
        return {name: count for name, count in named.items() if count}

    def unreadable(self) -> Numbers:
        """The lines that are no event, blank ones too."""
        return np.flatnonzero(self.event_codes == NO_EVENT)

    def filter_lines(
        self,
        part: slice,
        *,
        event_codes: Sequence[int] | None = None,
        steps: Sequence[int] | None = None,
        since: float | None = None,
        until: float | None = None,
    ) -> IntArray:
        """For each line of a part whether its event, its step and its time are among those asked for; None asks for all.

        A line whose time the index does not know counts as if it had the right one.
        """
        fits = _among(self.event_codes[part], event_codes, 256) if event_codes is not None else None
        if steps is not None:
            of_step = _among(self.steps[part], steps, 65536)
            fits = of_step if fits is None else fits & of_step
        if since is not None or until is not None:
            within = self._between(self.times[part], since, until)
            fits = within if fits is None else fits & within
        return self.event_codes[part] != NO_EVENT if fits is None else fits

    def next_failure(self, line: int) -> int | None:
        """The first line behind ``line`` that tells of a failure."""
        place = int(np.searchsorted(self.failure_lines, line, side="right"))
        return int(self.failure_lines[place]) if place < len(self.failure_lines) else None

    def previous_failure(self, line: int) -> int | None:
        """The last line before ``line`` that tells of a failure."""
        place = int(np.searchsorted(self.failure_lines, line, side="left"))
        return int(self.failure_lines[place - 1]) if place else None

    def period(self) -> tuple[float, float] | None:
        """The earliest and the latest time, in seconds since 1970; None where no line has one."""
        if self.base is None or self.earliest == NO_TIMESTAMP:
            return None
        return (self.base + self.earliest) / 1000, (self.base + self.latest) / 1000

    def timeline(self, buckets: int) -> list[Bucket]:
        """The period of the log in equal slices, oldest first, with their events and failures; empty without times."""
        if self.base is None or self.earliest == NO_TIMESTAMP:
            return []
        width = -(-(self.latest - self.earliest + 1) // buckets)
        edges = self.earliest + width * np.arange(buckets + 1)
        events = np.zeros(buckets, np.int64)
        for at in range(0, len(self), _SCAN):
            events += _in_slices(self.times[at : at + _SCAN], edges, width)
        failures = _in_slices(self.times[self.failure_lines], edges, width)
        starts = ((edges + self.base) / 1000).tolist()
        return [Bucket(*slice_) for slice_ in zip(starts, events.tolist(), failures.tolist(), strict=False)]

    def key_lines(self, most: int) -> Numbers:
        """The lines to decode for a picture of the whole: of each event of each step the first and last ``most``."""
        groups = len(self.sniffer.steps.texts) + 2
        return np.union1d(self._first(most, groups, backward=False), self._first(most, groups, backward=True))

    def _first(self, most: int, groups: int, *, backward: bool) -> Numbers:
        room = np.full(256 * groups, most, np.int64)
        room[:groups] = 0  # lines that are no event
        found: list[Numbers] = []
        starts = range(0, len(self), _SCAN)
        for at in reversed(starts) if backward else starts:
            steps = np.minimum(self.steps[at : at + _SCAN], groups - 1)
            group = self.event_codes[at : at + _SCAN].astype(np.int64) * groups + steps
            lines = np.flatnonzero(room[group] > 0)
            if len(lines):
                lines = lines[::-1] if backward else lines
                lines = lines[_rank(group[lines]) < room[group[lines]]]
                found.append(lines + at)
                np.subtract.at(room, group[lines], 1)
        return np.concatenate(found) if found else np.empty(0, np.int64)

    def _between(self, times: IntArray, since: float | None, until: float | None) -> IntArray:
        if self.base is None:
            return np.ones(len(times), bool)
        low = 0 if since is None else _bounded(math.floor(since * 1000) - 1 - self.base)
        high = NO_TIMESTAMP if until is None else _bounded(math.ceil(until * 1000) + 1 - self.base)
        fits: IntArray = (times >= np.uint32(low)) & (times <= np.uint32(high)) | (times == NO_TIMESTAMP)
        return fits


def _digest(descriptor: int, begin: int, end: int) -> str:
    return hashlib.blake2b(os.pread(descriptor, end - begin, begin), digest_size=16).hexdigest()


def codes_for_names(names: NameTable, wanted: Callable[[str], bool]) -> list[int]:
    """The codes of the names that are wanted, and the code for all names that came too late, where there are such."""
    codes = [code for code, text in enumerate(names.texts, start=1) if wanted(text)]
    return [*codes, names.other] if names.is_full else codes


def _among(column: IntArray, codes: Sequence[int], size: int) -> IntArray:
    if len(codes) == 1:
        fits: IntArray = column == codes[0]
        return fits
    table = np.zeros(size, bool)
    table[list(codes)] = True
    among: IntArray = table[column]
    return among


def _bounded(time: int) -> int:
    return max(0, min(time, NO_TIMESTAMP - 1))


def _in_slices(times: IntArray, edges: Numbers, width: int) -> Numbers:
    """How many times lie between two edges each; those in order, as logs mostly are, are only looked for at the edges."""
    if len(times) and times[-1] != NO_TIMESTAMP and (times[1:] >= times[:-1]).all():
        between: Numbers = np.diff(np.searchsorted(times, np.minimum(edges, NO_TIMESTAMP).astype(np.uint32)))
        return between
    known = times[times != NO_TIMESTAMP]
    return np.bincount((known - np.uint32(edges[0])) // np.uint32(width), minlength=len(edges) - 1)


def _rank(groups: Numbers) -> Numbers:
    """For each element how many equal ones stand before it."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    new = np.flatnonzero(np.diff(ordered, prepend=ordered[0] - 1))
    starts = np.repeat(new, np.diff(new, append=len(ordered)))
    ranks = np.empty_like(groups)
    ranks[order] = np.arange(len(groups)) - starts
    return ranks

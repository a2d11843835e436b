"""A log that is too long to be decoded as a whole: its events by their number, decoded when asked for."""

import os
import weakref
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import overload

import numpy as np

from osiris_inspect.inspector.event_log.index.line_index import LineIndex
from osiris_inspect.inspector.event_log.index.scanner import NO_EVENT
from osiris_inspect.inspector.event_log.index.vectorized import Numbers
from osiris_inspect.model import event as events
from osiris_inspect.model import jsonl
from osiris_inspect.model.errors import InvalidLine
from osiris_inspect.model.event import Event

Line = tuple[int, bytes]
KEY_EVENTS_PER_KIND = 64
"""Of an event that one step repeats more often, only the first and the last so many make the picture of the run."""
_READ = 1 << 18
_READ_AHEAD = 4096
_MOST_READ = jsonl.MAX_LINE + 1


class LargeLog(Sequence[Event]):
    """The readable events of a log in the order of the file; a slice of it is one as well.

    The file is held open until the log is forgotten, so it can be replaced meanwhile.

    Attributes:
        by_line: the index of its whole lines.
        descriptor: the file.
    """

    def __init__(self, descriptor: int, index: LineIndex, file: str) -> None:
        self.by_line = index
        self.descriptor = descriptor
        self._file = file
        self._partial_line = _partial_line(descriptor, index.size)
        self._rest_is_event, self._rest_says = self._look_at_rest()
        self._lines: Numbers | range = self._readable()
        weakref.finalize(self, os.close, descriptor)

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, number: int) -> Event: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Event]: ...
    def __getitem__(self, number: int | slice) -> Event | Sequence[Event]:
        if isinstance(number, slice):
            return LargeLogSlice(self, self._lines[number])
        return self.event(int(self._lines[number]))

    def __iter__(self) -> Iterator[Event]:
        return self.events(self._lines)

    @cached_property
    def key_events(self) -> tuple[Event, ...]:
        """The events that make the picture of the run: all but the many repetitions of one event by one step."""
        lines = self.by_line.key_lines(KEY_EVENTS_PER_KIND)
        return tuple(self.events(np.append(lines, len(self.by_line)) if self._rest_is_event else lines))

    def period(self) -> tuple[float, float] | None:
        """The earliest and the latest time in seconds since 1970; None where no line has one."""
        known = self.by_line.period()
        rest = self.event(len(self.by_line)).ts if self._rest_is_event else None
        if known is None or rest is None:
            return known if rest is None else (rest, rest)
        return min(known[0], rest), max(known[1], rest)

    def event_number_at_line(self, line: int) -> int:
        """The number of the event in a line (from 1), or of the next one."""
        if isinstance(self._lines, range):
            return max(0, min(line - 1, len(self._lines)))
        return int(np.searchsorted(self._lines, line - 1))

    def event(self, line: int) -> Event:
        """The event in a line, counted from 0; one that cannot be decoded says why."""
        return self.decoded(line, self.raw_line(line))

    def events(self, lines: Numbers | range) -> Iterator[Event]:
        """The events in lines that stand in the order of the file."""
        for line, raw in self.raw_lines(lines):
            yield self.decoded(line, raw)

    def raw_line(self, line: int) -> bytes:
        """A line without its newline; empty where it is longer than a line may be."""
        if line == len(self.by_line):
            return self._partial_line
        start, end = self.by_line.byte_range(line)
        return os.pread(self.descriptor, end - start - 1, start) if end - start - 1 <= jsonl.MAX_LINE else b""

    def raw_lines(self, lines: Numbers | range) -> Iterator[Line]:
        """Lines with their numbers, counted from 0, in the order of the file; near ones are read together."""
        whole = lines[:-1] if len(lines) and lines[-1] == len(self.by_line) else lines
        begin, piece = 0, b""
        for line, start, end in self.by_line.spans(whole):
            if end > begin + len(piece) or start < begin:
                near = start <= begin + len(piece) + _READ and bool(piece)
                size = _READ if near else _READ_AHEAD
                begin, piece = (
                    start,
                    os.pread(self.descriptor, min(max(size, end - start), _MOST_READ), start),
                )
            yield line, piece[start - begin : end - begin - 1] if end <= begin + len(piece) else b""
        if len(whole) < len(lines):
            yield len(self.by_line), self._partial_line

    def partial_line_error(self) -> str | None:
        """Why what stands behind the last newline is no event; None where it is one, and where nothing stands there."""
        return self._rest_says

    def decoded(self, line: int, raw: bytes) -> Event:
        """The event in the bytes of a line, counted from 0; what cannot be decoded is one that says why."""
        try:
            return events.decode(raw, line_number=line + 1, file=self._file)
        except InvalidLine as error:
            # its bytes looked like an event; it keeps its place, so that numbers stay what they are
            return Event("unreadable", fields={"reason": str(error)}, line=line + 1, file=self._file)

    def _readable(self) -> Numbers | range:
        index = self.by_line
        bad = len(index.unreadable())
        if not bad:
            return range(len(index) + self._rest_is_event)
        lines = np.flatnonzero(index.event_codes != NO_EVENT)
        return np.append(lines, len(index)) if self._rest_is_event else lines

    def _look_at_rest(self) -> tuple[bool, str | None]:
        """Whether what stands behind the last newline is an event as well, and if not, why."""
        try:
            events.decode(self._partial_line)
        except InvalidLine as error:
            return False, str(error) if self._partial_line.strip() else None
        return True, None


class LargeLogSlice(Sequence[Event]):
    """Some events of a log."""

    def __init__(self, log: LargeLog, lines: Numbers | range) -> None:
        self._log = log
        self._lines = lines

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, number: int) -> Event: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Event]: ...
    def __getitem__(self, number: int | slice) -> Event | Sequence[Event]:
        if isinstance(number, slice):
            return LargeLogSlice(self._log, self._lines[number])
        return self._log.event(int(self._lines[number]))

    def __iter__(self) -> Iterator[Event]:
        return self._log.events(self._lines)


def _partial_line(descriptor: int, begin: int) -> bytes:
    """What stands behind the last newline; empty where it is longer than a line may be."""
    rest = os.pread(descriptor, jsonl.MAX_LINE + 1, begin)
    return rest if len(rest) <= jsonl.MAX_LINE else b""

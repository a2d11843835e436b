"""A log that is too long to be decoded as a whole: its events are decoded on demand."""

import os
import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import overload

import numpy as np

from osiris_inspect.inspector.event_log.damaged_lines import (
    UnreadLine,
    group_lines,
    read_group,
    read_torn_line,
)
from osiris_inspect.inspector.event_log.index.line_index import LineIndex
from osiris_inspect.inspector.event_log.index.scanner import NO_EVENT
from osiris_inspect.inspector.event_log.index.vectorized import Numbers
from osiris_inspect.inspector.files.run_files import MAX_LISTED_PER_FILE, NumberedLine
from osiris_inspect.model import event as events
from osiris_inspect.model import jsonl
from osiris_inspect.model.errors import InvalidLine
from osiris_inspect.model.event import Event

KEY_EVENTS_PER_KIND = 64
"""Of an event that one step repeats more often, only the first and the last so many are key events."""
MAX_INVALID_LINES = MAX_LISTED_PER_FILE
"""Of the lines that are not events, only the first and the last so many are read."""
BLOCK = 1 << 17
"""Bytes that are read at once: few enough that their objects fit the processor's cache."""
_FIRST_BLOCK = 1 << 14
_MAX_GAP = 1 << 14
"""Bytes between two lines from which on each of them is read by itself."""


class _LogEvents(Sequence[Event], ABC):
    """The events in some lines of a log, decoded on demand."""

    _lines: Numbers | range

    @property
    @abstractmethod
    def _log(self) -> "LargeLog": ...

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


class LargeLog(_LogEvents):
    """The readable events of a log.

    The file is open as long as this object exists, so it can be replaced meanwhile.

    Attributes:
        line_index: the index of its whole lines.
        descriptor: the open file.
        file: its path, relative to the run directory.
        cache: the folder of caches; None if nothing is cached.
        unreadable: the numbers (from 1) of lines that are not events, the first and the last, with the reason.
    """

    def __init__(self, descriptor: int, index: LineIndex, file: str, cache: Path | None = None) -> None:
        self.line_index = index
        self.descriptor = descriptor
        self.file, self.cache = file, cache
        self._partial_line = _partial_line(descriptor, index.size)
        self._partial_events, self._partial_line_error = self._read_partial_line()
        self._damaged, self.unreadable = self._read_invalid_lines()
        self._lines = self._readable()
        weakref.finalize(self, os.close, descriptor)

    @property
    def _log(self) -> "LargeLog":
        return self

    @property
    def damaged_events(self) -> Mapping[int, Sequence[Event]]:
        """The events of damaged lines by their numbers from 0, in the order of the file, and of the text after them."""
        last = {len(self.line_index): self._partial_events} if self._partial_events else {}
        return {**dict(sorted(self._damaged.items())), **last}

    @cached_property
    def key_events(self) -> tuple[Event, ...]:
        """The events that a report needs: all but the many repetitions of one event by one step."""
        lines = self.line_index.key_lines(KEY_EVENTS_PER_KIND)
        key_events = [event for line, raw in self.raw_lines(lines) for event in self._decoded_all(line, raw)]
        if not self._damaged:
            return (*key_events, *self._partial_events)
        damaged = [event for events_of_line in self._damaged.values() for event in events_of_line]
        return (*sorted(key_events + damaged, key=lambda event: event.line), *self._partial_events)

    def period(self) -> tuple[float, float] | None:
        """Return the earliest and the latest time in seconds since 1970; None if no line has one."""
        period = self.line_index.period()
        last = self._partial_events[-1].ts if self._partial_events else None
        if period is None or last is None:
            return period if last is None else (last, last)
        return min(period[0], last), max(period[1], last)

    def event_number_at_line(self, line: int) -> int:
        """Return the number of the event in a line (from 1), or of the next one."""
        if isinstance(self._lines, range):
            return max(0, min(line - 1, len(self._lines)))
        return int(np.searchsorted(self._lines, line - 1))

    def event(self, line: int) -> Event:
        """Return the event in a line, counted from 0; see ``decoded``."""
        return self.decoded(line, self.raw_line(line))

    def events(self, lines: Numbers | range) -> Iterator[Event]:
        """Yield the events in lines that are in the order of the file."""
        for line, raw in self.raw_lines(lines):
            yield self.decoded(line, raw)

    def raw_line(self, line: int) -> bytes:
        """Return a line without its newline; empty if it exceeds the limit."""
        if line == len(self.line_index):
            return self._partial_line
        start, end = self.line_index.byte_range(line)
        return os.pread(self.descriptor, end - start - 1, start) if end - start - 1 <= jsonl.MAX_LINE else b""

    def raw_lines(self, lines: Numbers | range) -> Iterator[NumberedLine]:
        """Yield lines with their numbers from 0, in the order of the file; nearby lines are read together."""
        for numbers, data in self.blocks(lines):
            yield from zip(numbers, data.split(b"\n"), strict=False)

    def blocks(self, lines: Numbers | range) -> Iterator[tuple[Sequence[int], bytes]]:
        """Yield lines in blocks: their numbers from 0, and their bytes, each with a newline.

        The first block is small, so that it comes at once. A line over the limit is empty.
        """
        has_partial_line = len(lines) > 0 and lines[-1] == len(self.line_index)
        size = _FIRST_BLOCK
        for numbers, starts, ends in self.line_index.spans(lines[:-1] if has_partial_line else lines):
            first = 0
            while first < len(numbers):
                last = max(first + 1, int(np.searchsorted(ends, starts[first] + size, side="right")))
                yield _as_sequence(numbers[first:last]), self._read(starts[first:last], ends[first:last])
                first, size = last, min(2 * size, BLOCK)
        if has_partial_line:
            yield [len(self.line_index)], self._partial_line + b"\n"

    def _read(self, starts: Numbers, ends: Numbers) -> bytes:
        """Return the bytes of lines, which are read at once if they are near each other."""
        gaps = np.flatnonzero(starts[1:] != ends[:-1]) + 1
        runs = [*zip(starts[[0, *gaps]].tolist(), ends[[*(gaps - 1), -1]].tolist(), strict=True)]
        begin, end = runs[0][0], runs[-1][1]
        if end - begin > jsonl.MAX_LINE + 1:
            return b"\n"  # a block is smaller, unless it is one line
        if (end - begin) // len(runs) > _MAX_GAP:
            return b"".join(os.pread(self.descriptor, last - first, first) for first, last in runs)
        data = os.pread(self.descriptor, end - begin, begin)
        if len(data) < end - begin:
            data = data.ljust(end - begin, b"\n")  # the file was truncated meanwhile: the lines are empty
        return (
            data if len(runs) == 1 else b"".join(data[first - begin : last - begin] for first, last in runs)
        )

    def partial_line_error(self) -> str | None:
        """Return why the text after the last newline is not an event; None if it is one or empty."""
        return self._partial_line_error

    def decoded(self, line: int, raw: bytes) -> Event:
        """Return the first event in a line, counted from 0; an ``unreadable`` event if it has none."""
        return self._decoded_all(line, raw)[0]

    def _decoded_all(self, line: int, raw: bytes) -> Sequence[Event]:
        """Return the events in a line; a damaged line may have several."""
        if line in self._damaged:
            return self._damaged[line]
        if line == len(self.line_index) and self._partial_events:
            return self._partial_events
        try:
            return (events.decode(raw, line_number=line + 1, file=self.file),)
        except InvalidLine as error:
            # the index took it for an event; the numbers of the others must not change
            unread = Event("unreadable", fields={"reason": str(error)}, line=line + 1, file=self.file)
            return events.decode_damaged(raw, line_number=line + 1, file=self.file) or (unread,)

    def _readable(self) -> Numbers | range:
        index = self.line_index
        has_partial_event = bool(self._partial_events)
        if not len(index.unreadable()):
            return range(len(index) + has_partial_event)
        lines = np.flatnonzero(index.event_codes != NO_EVENT)
        if self._damaged:
            lines = np.union1d(lines, np.fromiter(self._damaged, np.int64))
        return np.append(lines, len(index)) if has_partial_event else lines

    def _read_invalid_lines(self) -> tuple[dict[int, Sequence[Event]], list[tuple[int, str]]]:
        """Read the lines that are not events: return the events of the damaged ones, and the others."""
        damaged: dict[int, Sequence[Event]] = {}
        unreadable: list[tuple[int, str]] = []
        for group in group_lines(self._invalid_lines()):
            read = read_group(group, self.file)
            for event in read.events:
                damaged[event.line - 1] = (*damaged.get(event.line - 1, ()), event)
            unreadable += read.unreadable
        return damaged, unreadable

    def _invalid_lines(self) -> Iterator[UnreadLine]:
        """Yield the first and the last lines that are not events, except blank ones."""
        lines = self.line_index.unreadable()
        for line, raw in self.raw_lines(np.union1d(lines[:MAX_INVALID_LINES], lines[-MAX_INVALID_LINES:])):
            start, end = self.line_index.byte_range(line)
            if end - start - 1 > jsonl.MAX_LINE:
                reason = f"a line of {end - start - 1:,} bytes, over the limit of {jsonl.MAX_LINE:,}"
                yield UnreadLine(line + 1, raw, reason)
            elif raw.strip():
                yield UnreadLine(line + 1, raw, _reason(raw))

    def _read_partial_line(self) -> tuple[Sequence[Event], str | None]:
        number = len(self.line_index) + 1
        try:
            return (events.decode(self._partial_line, line_number=number, file=self.file),), None
        except InvalidLine as error:
            if not self._partial_line.strip():
                return (), None
            return read_torn_line(self._partial_line, number, self.file), str(error)


class LargeLogSlice(_LogEvents):
    """Some events of a log, in the order of the file."""

    def __init__(self, log: LargeLog, lines: Numbers | range) -> None:
        self._source = log
        self._lines = lines

    @property
    def _log(self) -> LargeLog:
        return self._source


def _as_sequence(numbers: Numbers) -> Sequence[int]:
    """Return numbers in order; those that follow each other need no list."""
    begin, end = int(numbers[0]), int(numbers[-1]) + 1
    return range(begin, end) if end - begin == len(numbers) else numbers.tolist()


def _reason(raw: bytes) -> str:
    try:
        events.decode(raw)
    except InvalidLine as error:
        return str(error)
    return "no event by its bytes"


def _partial_line(descriptor: int, begin: int) -> bytes:
    """Return the text after the last newline; empty if it exceeds the limit."""
    text = os.pread(descriptor, jsonl.MAX_LINE + 1, begin)
    return text if len(text) <= jsonl.MAX_LINE else b""

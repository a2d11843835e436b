"""Events told from their bytes, a block of lines at a time, without decoding them.

The lines of a block are compared with all learned shapes by numpy, their names are hashed and looked up. Whatever does
not fit is decoded and learned from. This room loads numpy; nothing imports it before a long log is met.
"""

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from osiris_inspect.inspector.event_log.index.line_templates import SLOT, Shape, head_of, tail_of, text_at
from osiris_inspect.inspector.event_log.index.name_codes import Names
from osiris_inspect.inspector.event_log.index.vectorized import (
    MIX,
    NO_TIME,
    SLACK,
    Lines,
    Mask,
    Numbers,
    Words,
    epoch_times,
    gather,
    hashed,
    iso_times,
    matches,
)
from osiris_inspect.model import event as events
from osiris_inspect.model.errors import UnreadableLine
from osiris_inspect.model.event import Event

NO_DAY = -(1 << 62)
NO_EVENT = 0
"""The code of a line that is no event."""
MOST_SHAPES = 24
"""Shapes tried on a line; a log that varies more is decoded."""

_STEP_KEY = b'"step_id"'


@dataclass(slots=True)
class Told:
    """What each line of a block is: code of its event's name, code of its step, time in ms since 1970."""

    kinds: npt.NDArray[np.uint16]
    steps: npt.NDArray[np.uint16]
    times: Numbers


@dataclass(slots=True)
class Sniffer:
    """What was learned of one log.

    Attributes:
        kinds, steps: the names of its events and steps.
        decoded: lines that fitted no shape so far.
    """

    kinds: Names = field(default_factory=lambda: Names(255))
    steps: Names = field(default_factory=lambda: Names(65535))
    decoded: int = 0
    _heads: list[Shape] = field(default_factory=list)
    _tails: list[Shape] = field(default_factory=list)
    _days: dict[bytes, int] = field(default_factory=dict)

    def tell(self, lines: Lines) -> Told:
        """What the lines of a block are."""
        count = len(lines.starts)
        told = Told(np.zeros(count, np.uint16), np.zeros(count, np.uint16), np.full(count, NO_TIME, np.int64))
        closed = _closed(lines)
        left = np.union1d(self._fit(lines, np.flatnonzero(closed), told), np.flatnonzero(~closed))
        batch = 1
        while len(left):
            # in the order of the file, so that the code of a name does not depend on where blocks begin
            for line in left[:batch].tolist():
                event = self._decode(lines, line, told)
                if event is not None and closed[line]:
                    self._take_shapes(lines.text(line), event)
            left = left[batch:]
            left = np.union1d(self._fit(lines, left[closed[left]], told), left[~closed[left]])
            batch *= 2  # where learning does not help, fitting again must not cost more than decoding
        return told

    def _fit(self, lines: Lines, left: Numbers, told: Told) -> Numbers:
        """Tell the lines that fit what was learned; the others are given back."""
        unfit: list[Numbers] = []
        for head in tuple(self._heads):
            if not len(left):
                break
            words = gather(lines, lines.starts[left] - head.pad, len(head.mask) + SLOT)
            fits = matches(words, head) & (lines.starts[left] + head.length < lines.ends[left])
            taken, left, words = _split(fits, left, words)
            if len(taken):
                unfit.append(self._name(lines, taken, head, words, told))
                _prefer(self._heads, head, by=len(taken) > len(left))
        return np.sort(np.concatenate([*unfit, left])) if unfit else left

    def _name(self, lines: Lines, taken: Numbers, head: Shape, words: Words, told: Told) -> Numbers:
        """Tell the events of lines that begin like ``head``; those of an unknown name are given back."""
        hashes, lengths = hashed(words, len(head.mask) // 8)
        codes = self.kinds.look_up(hashes)
        known = (codes != 0) & (lengths < SLOT)
        strange: Numbers = taken[~known]
        if len(strange):
            taken, codes, lengths = taken[known], codes[known], lengths[known]
        if not len(taken):
            return strange
        told.kinds[taken] = codes
        if head.time_at is not None:
            told.times[taken] = self._time(lines, lines.starts[taken] + head.time_at, head)
        rest = self._step(lines, taken, lines.starts[taken] + head.length + lengths, told, timed=head.time_at is not None)  # fmt: skip
        return np.concatenate([strange, rest]) if len(strange) or len(rest) else strange

    def _step(self, lines: Lines, left: Numbers, begins: Numbers, told: Told, *, timed: bool) -> Numbers:
        """Tell the steps of lines whose names end at ``begins``; those that must be decoded are given back."""
        unfit: list[Numbers] = []
        for tail in tuple(self._tails):
            if not len(left):
                break
            if not timed and tail.time_at is None:
                continue
            words = gather(lines, begins - tail.pad, len(tail.mask) + SLOT)
            fits = matches(words, tail) & (begins + tail.length < lines.ends[left])
            taken, left, words = _split(fits, left, words)
            if not len(taken):
                continue
            at, begins = _part(fits, begins)
            _prefer(self._tails, tail, by=len(taken) > len(left))
            if not timed:
                told.times[taken] = self._time(lines, at + (tail.time_at or 0), tail)
            if tail.gives_text:
                unfit.append(self._named_step(taken, words, len(tail.mask) // 8, told))
            else:
                unfit.append(_with_step_elsewhere(lines, taken, at))
        if len(left):
            unfit.append(_with_step_elsewhere(lines, left, begins) if timed else left)
        return np.concatenate(unfit) if unfit else left

    def _named_step(self, taken: Numbers, words: Words, column: int, told: Told) -> Numbers:
        hashes, lengths = hashed(words, column)
        codes = self.steps.look_up(hashes)
        known = (codes != 0) & (lengths < SLOT)
        told.steps[taken] = codes
        unknown: Numbers = taken[~known]
        return unknown

    def _time(self, lines: Lines, places: Numbers, shape: Shape) -> Numbers:
        if shape.time_form == "epoch":
            return epoch_times(gather(lines, places, 16))
        words = gather(lines, places, 24)
        return iso_times(words, self._days_of(words), fraction=shape.time_form == "milliseconds")

    def _days_of(self, words: Words) -> Numbers | int:
        """The day of each time in ms since 1970; one number where all are of one day."""
        dates = words[:, 0] ^ ((words[:, 1] & np.uint64(0xFFFF)) * MIX[0])
        if (dates == dates[0]).all():
            return self._day(words[0])
        _, firsts, which = np.unique(dates, return_index=True, return_inverse=True)
        return np.array([self._day(words[first]) for first in firsts], np.int64)[which]

    def _day(self, words: Words) -> int:
        raw = words.tobytes()[:10]
        if raw not in self._days:
            moment = events.epoch(raw.decode("ascii", "replace"))
            self._days[raw] = NO_DAY if moment is None else round(moment * 1000)
        return self._days[raw]

    def _take_shapes(self, raw: bytes, event: Event) -> None:
        head = head_of(raw)
        name = text_at(raw, head.length) if head is not None else None
        if head is None or name is None or name != event.original.encode():
            return
        begin = head.length + len(name)
        tail = tail_of(raw, begin, needs_time=head.time_at is None)
        if head.time_at is None and tail is None:
            return  # a log without times is decoded
        self.kinds.learn(name, event.original)
        _keep(self._heads, head)
        if tail is None:
            return
        step = text_at(raw, begin + tail.length) if tail.gives_text else None
        if tail.gives_text and step is not None and event.step is not None:
            self.steps.learn(step, event.step)
        _keep(self._tails, tail)

    def _decode(self, lines: Lines, line: int, told: Told) -> Event | None:
        self.decoded += 1
        try:
            event = events.decode(lines.text(line))
        except UnreadableLine:
            told.kinds[line] = NO_EVENT
            return None
        told.kinds[line] = self.kinds.code(event.original)
        told.steps[line] = self.steps.code(event.step)
        told.times[line] = NO_TIME if event.ts is None else milliseconds(event.ts)
        return event


def milliseconds(ts: float) -> int:
    """A time in whole ms since 1970, cut off as the digits of a text are; ``NO_TIME`` for one that no calendar knows.

    A number may lie below the text it was read from, by half of what tells it from the next one.
    """
    if not 0 <= ts < 1e11:
        return NO_TIME
    (number, by), (half, by_half) = ts.as_integer_ratio(), (math.ulp(ts) / 2).as_integer_ratio()
    return (number * by_half + half * by) * 1000 // (by * by_half)


def _keep(shapes: list[Shape], shape: Shape) -> None:
    if shape not in shapes and len(shapes) < MOST_SHAPES:
        shapes.insert(0, shape)


def _prefer(shapes: list[Shape], shape: Shape, *, by: bool) -> None:
    """Try a shape that most lines fit first."""
    if by and shapes[0] is not shape:
        shapes.remove(shape)
        shapes.insert(0, shape)


def _split(fits: Mask, lines: Numbers, words: Words) -> tuple[Numbers, Numbers, Words]:
    """The lines that fit, those that do not, and the words of those that do."""
    if fits.all():
        return lines, lines[:0], words
    return lines[fits], lines[~fits], words[fits]


def _part(fits: Mask, values: Numbers) -> tuple[Numbers, Numbers]:
    return (values, values[:0]) if fits.all() else (values[fits], values[~fits])


def _with_step_elsewhere(lines: Lines, left: Numbers, begins: Numbers) -> Numbers:
    """The lines that name a step somewhere behind ``begins``."""
    find, raw = lines.raw.find, SLACK
    ends = lines.ends[left]
    where = zip(left.tolist(), begins.tolist(), ends.tolist(), strict=True)
    return np.array([line for line, begin, end in where if find(_STEP_KEY, begin + raw, end + raw) >= 0], np.int64)  # fmt: skip


def _closed(lines: Lines) -> Mask:
    """Which lines end with the brace of an object; the others are torn, blank or something else."""
    raw = np.frombuffer(lines.raw, np.uint8)
    last = raw[lines.ends + (SLACK - 1)]
    closed: Mask = last == ord("}")
    if not closed.all():
        closed |= (last == ord("\r")) & (raw[lines.ends + (SLACK - 2)] == ord("}"))
    return closed

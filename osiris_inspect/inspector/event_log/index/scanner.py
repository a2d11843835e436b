"""Events told from their bytes, a block of lines at a time, without decoding them.

The lines of a block are compared with all learned shapes by numpy, their names are hashed and looked up. Whatever does
not fit is decoded and learned from. This room loads numpy; nothing imports it before a long log is met.
"""

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from osiris_inspect.inspector.event_log.index.line_templates import (
    WORD_BYTES,
    LineTemplate,
    event_template,
    step_template,
    text_at,
)
from osiris_inspect.inspector.event_log.index.name_codes import NameTable
from osiris_inspect.inspector.event_log.index.vectorized import (
    HASH_MULTIPLIER,
    NO_TIME,
    PADDING,
    LineBlock,
    Mask,
    Numbers,
    WordArray,
    hash_until_quote,
    match_template,
    parse_epoch,
    parse_iso,
    read_windows,
)
from osiris_inspect.model import event as events
from osiris_inspect.model.errors import InvalidLine
from osiris_inspect.model.event import Event

NO_DAY = -(1 << 62)
NO_EVENT = 0
"""The code of a line that is no event."""
MOST_SHAPES = 24
"""Shapes tried on a line; a log that varies more is decoded."""

_STEP_KEY = b'"step_id"'


@dataclass(slots=True)
class LineColumns:
    """What each line of a block is: code of its event's name, code of its step, time in ms since 1970."""

    event_names: npt.NDArray[np.uint16]
    steps: npt.NDArray[np.uint16]
    times: Numbers


@dataclass(slots=True)
class LineScanner:
    """What was learned of one log.

    Attributes:
        kinds, steps: the names of its events and steps.
        decoded: lines that fitted no shape so far.
    """

    event_names: NameTable = field(default_factory=lambda: NameTable(255))
    steps: NameTable = field(default_factory=lambda: NameTable(65535))
    decoded_count: int = 0
    _event_templates: list[LineTemplate] = field(default_factory=list)
    _step_templates: list[LineTemplate] = field(default_factory=list)
    _days: dict[bytes, int] = field(default_factory=dict)

    def scan(self, lines: LineBlock) -> LineColumns:
        """What the lines of a block are."""
        count = len(lines.starts)
        told = LineColumns(
            np.zeros(count, np.uint16), np.zeros(count, np.uint16), np.full(count, NO_TIME, np.int64)
        )
        closed = _ends_with_brace(lines)
        left = np.union1d(self._match_templates(lines, np.flatnonzero(closed), told), np.flatnonzero(~closed))
        batch = 1
        while len(left):
            # in the order of the file, so that the code of a name does not depend on where blocks begin
            for line in left[:batch].tolist():
                event = self._decode(lines, line, told)
                if event is not None and closed[line]:
                    self._learn_templates(lines.text(line), event)
            left = left[batch:]
            left = np.union1d(self._match_templates(lines, left[closed[left]], told), left[~closed[left]])
            batch *= 2  # where learning does not help, fitting again must not cost more than decoding
        return told

    def _match_templates(self, lines: LineBlock, left: Numbers, told: LineColumns) -> Numbers:
        """Tell the lines that fit what was learned; the others are given back."""
        unfit: list[Numbers] = []
        for head in tuple(self._event_templates):
            if not len(left):
                break
            words = read_windows(lines, lines.starts[left] - head.pad, len(head.mask) + WORD_BYTES)
            fits = match_template(words, head) & (lines.starts[left] + head.length < lines.ends[left])
            taken, left, words = _split(fits, left, words)
            if len(taken):
                unfit.append(self._name(lines, taken, head, words, told))
                _move_to_front(self._event_templates, head, by=len(taken) > len(left))
        return np.sort(np.concatenate([*unfit, left])) if unfit else left

    def _name(
        self, lines: LineBlock, taken: Numbers, head: LineTemplate, words: WordArray, told: LineColumns
    ) -> Numbers:
        """Tell the events of lines that begin like ``head``; those of an unknown name are given back."""
        hashes, lengths = hash_until_quote(words, len(head.mask) // 8)
        codes = self.event_names.lookup_hashes(hashes)
        known = (codes != 0) & (lengths < WORD_BYTES)
        strange: Numbers = taken[~known]
        if len(strange):
            taken, codes, lengths = taken[known], codes[known], lengths[known]
        if not len(taken):
            return strange
        told.event_names[taken] = codes
        if head.time_at is not None:
            told.times[taken] = self._time(lines, lines.starts[taken] + head.time_at, head)
        rest = self._step(lines, taken, lines.starts[taken] + head.length + lengths, told, timed=head.time_at is not None)  # fmt: skip
        return np.concatenate([strange, rest]) if len(strange) or len(rest) else strange

    def _step(
        self, lines: LineBlock, left: Numbers, begins: Numbers, told: LineColumns, *, timed: bool
    ) -> Numbers:
        """Tell the steps of lines whose names end at ``begins``; those that must be decoded are given back."""
        unfit: list[Numbers] = []
        for tail in tuple(self._step_templates):
            if not len(left):
                break
            if not timed and tail.time_at is None:
                continue
            words = read_windows(lines, begins - tail.pad, len(tail.mask) + WORD_BYTES)
            fits = match_template(words, tail) & (begins + tail.length < lines.ends[left])
            taken, left, words = _split(fits, left, words)
            if not len(taken):
                continue
            at, begins = _part(fits, begins)
            _move_to_front(self._step_templates, tail, by=len(taken) > len(left))
            if not timed:
                told.times[taken] = self._time(lines, at + (tail.time_at or 0), tail)
            if tail.gives_text:
                unfit.append(self._named_step(taken, words, len(tail.mask) // 8, told))
            else:
                unfit.append(_with_step_elsewhere(lines, taken, at))
        if len(left):
            unfit.append(_with_step_elsewhere(lines, left, begins) if timed else left)
        return np.concatenate(unfit) if unfit else left

    def _named_step(self, taken: Numbers, words: WordArray, column: int, told: LineColumns) -> Numbers:
        hashes, lengths = hash_until_quote(words, column)
        codes = self.steps.lookup_hashes(hashes)
        known = (codes != 0) & (lengths < WORD_BYTES)
        told.steps[taken] = codes
        unknown: Numbers = taken[~known]
        return unknown

    def _time(self, lines: LineBlock, places: Numbers, shape: LineTemplate) -> Numbers:
        if shape.time_form == "epoch":
            return parse_epoch(read_windows(lines, places, 16))
        words = read_windows(lines, places, 24)
        return parse_iso(words, self._days_of(words), fraction=shape.time_form == "milliseconds")

    def _days_of(self, words: WordArray) -> Numbers | int:
        """The day of each time in ms since 1970; one number where all are of one day."""
        dates = words[:, 0] ^ ((words[:, 1] & np.uint64(0xFFFF)) * HASH_MULTIPLIER[0])
        if (dates == dates[0]).all():
            return self._day(words[0])
        _, firsts, which = np.unique(dates, return_index=True, return_inverse=True)
        return np.array([self._day(words[first]) for first in firsts], np.int64)[which]

    def _day(self, words: WordArray) -> int:
        raw = words.tobytes()[:10]
        if raw not in self._days:
            moment = events.parse_timestamp(raw.decode("ascii", "replace"))
            self._days[raw] = NO_DAY if moment is None else round(moment * 1000)
        return self._days[raw]

    def _learn_templates(self, raw: bytes, event: Event) -> None:
        head = event_template(raw)
        name = text_at(raw, head.length) if head is not None else None
        if head is None or name is None or name != event.original_name.encode():
            return
        begin = head.length + len(name)
        tail = step_template(raw, begin, needs_time=head.time_at is None)
        if head.time_at is None and tail is None:
            return  # a log without times is decoded
        self.event_names.register(name, event.original_name)
        _keep(self._event_templates, head)
        if tail is None:
            return
        step = text_at(raw, begin + tail.length) if tail.gives_text else None
        if tail.gives_text and step is not None and event.step is not None:
            self.steps.register(step, event.step)
        _keep(self._step_templates, tail)

    def _decode(self, lines: LineBlock, line: int, told: LineColumns) -> Event | None:
        self.decoded_count += 1
        try:
            event = events.decode(lines.text(line))
        except InvalidLine:
            told.event_names[line] = NO_EVENT
            return None
        told.event_names[line] = self.event_names.code(event.original_name)
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


def _keep(shapes: list[LineTemplate], shape: LineTemplate) -> None:
    if shape not in shapes and len(shapes) < MOST_SHAPES:
        shapes.insert(0, shape)


def _move_to_front(shapes: list[LineTemplate], shape: LineTemplate, *, by: bool) -> None:
    """Try a shape that most lines fit first."""
    if by and shapes[0] is not shape:
        shapes.remove(shape)
        shapes.insert(0, shape)


def _split(fits: Mask, lines: Numbers, words: WordArray) -> tuple[Numbers, Numbers, WordArray]:
    """The lines that fit, those that do not, and the words of those that do."""
    if fits.all():
        return lines, lines[:0], words
    return lines[fits], lines[~fits], words[fits]


def _part(fits: Mask, values: Numbers) -> tuple[Numbers, Numbers]:
    return (values, values[:0]) if fits.all() else (values[fits], values[~fits])


def _with_step_elsewhere(lines: LineBlock, left: Numbers, begins: Numbers) -> Numbers:
    """The lines that name a step somewhere behind ``begins``."""
    find, raw = lines.raw.find, PADDING
    ends = lines.ends[left]
    where = zip(left.tolist(), begins.tolist(), ends.tolist(), strict=True)
    return np.array([line for line, begin, end in where if find(_STEP_KEY, begin + raw, end + raw) >= 0], np.int64)  # fmt: skip


def _ends_with_brace(lines: LineBlock) -> Mask:
    """Which lines end with the brace of an object; the others are torn, blank or something else."""
    raw = np.frombuffer(lines.raw, np.uint8)
    last = raw[lines.ends + (PADDING - 1)]
    closed: Mask = last == ord("}")
    if not closed.all():
        closed |= (last == ord("\r")) & (raw[lines.ends + (PADDING - 2)] == ord("}"))
    return closed

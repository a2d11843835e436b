"""Events told from their bytes, a block of lines at a time, without decoding them.

The lines of a block are compared with all learned shapes by numpy, their names are hashed and looked up. Whatever does
not fit is decoded and learned from. This room loads numpy; nothing imports it before a long log is met.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from osiris_inspect.inspector.shapes import LONGEST, SLOT, Shape, head_of, tail_of, text_at
from osiris_inspect.model import event as events
from osiris_inspect.model.errors import UnreadableLine
from osiris_inspect.model.event import Event

Words = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

SLACK = LONGEST
"""Bytes that must be free before the first and behind the last line of a block."""
NO_TIME = -1
NO_DAY = -(1 << 62)
NO_EVENT = 0
"""The code of a line that is no event."""
MOST_SHAPES = 24
"""Shapes tried on a line; a log that varies more is decoded."""

_QUOTES = np.uint64(0x2222222222222222)
_ONES = np.uint64(0x0101010101010101)
_HIGHS = np.uint64(0x8080808080808080)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_DIGITS = np.uint64(0x0F0F0F0F0F0F0F0F)
_MIX = [np.uint64(odd) for odd in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93)]  # fmt: skip
_STEP_KEY = b'"step_id"'


class Names:
    """Texts and their codes, from 1 on; 0 is none, the highest code stands for all that came too late.

    The bytes of a text are looked up by their hash, in two places of a table each.
    """

    def __init__(self, most: int, known: Iterable[str] = ()) -> None:
        self.other = most
        self.texts: list[str] = []
        self._codes: dict[str, int] = {}
        self._table = np.zeros((2, 1 << 16), np.uint16)
        self._hashes = np.zeros(most + 1, np.uint64)
        self._learned: dict[bytes, int] = {}
        for text in known:
            self.code(text)

    def code(self, text: str | None) -> int:
        """The code of a text, a new one where it is met for the first time."""
        if text is None:
            return 0
        code = self._codes.get(text)
        if code is None and len(self.texts) + 1 < self.other:
            self.texts.append(text)
            code = self._codes[text] = len(self.texts)
        return self.other if code is None else code

    def learn(self, raw: bytes, text: str) -> None:
        """Remember that these bytes mean this text."""
        code = self.code(text)
        if code == self.other or raw in self._learned or self._hashes[code]:
            return  # of two spellings of one text the second is decoded each time
        self._learned[raw] = code
        hashed = _hash_of(raw)
        self._hashes[code] = hashed
        for table, place in zip(self._table, _places(hashed), strict=True):
            if table[place] == 0:
                table[place] = code
                return

    def look_up(self, hashes: Words) -> npt.NDArray[np.uint16]:
        """The codes of hashed texts; 0 for what was never learned."""
        first, second = _places(hashes)
        codes = self._table[0][first]
        strange = self._hashes[codes] != hashes
        if strange.any():
            again = np.flatnonzero(strange)
            others = self._table[1][second[again]]
            others[self._hashes[others] != hashes[again]] = 0
            codes[again] = others
        return codes


@dataclass(slots=True)
class Lines:
    """A block of whole lines: ``raw`` with ``SLACK`` bytes before and behind, and where each line starts and ends.

    Places count from behind the first ``SLACK`` bytes. A line ends before its newline.
    """

    raw: bytearray
    starts: Numbers
    ends: Numbers

    def text(self, line: int) -> bytes:
        """One line without its newline."""
        return bytes(self.raw[self.starts[line] + SLACK : self.ends[line] + SLACK])


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
        for line in np.flatnonzero(~closed).tolist():
            self._decode(lines, line, told)
        left = self._fit(lines, np.flatnonzero(closed), told)
        batch = 1
        while len(left):
            for line in left[:batch].tolist():
                event = self._decode(lines, line, told)
                if event is not None:
                    self._take_shapes(lines.text(line), event)
            left = self._fit(lines, left[batch:], told)
            batch *= 2  # where learning does not help, fitting again must not cost more than decoding
        return told

    def _fit(self, lines: Lines, left: Numbers, told: Told) -> Numbers:
        """Tell the lines that fit what was learned; the others are given back."""
        unfit: list[Numbers] = []
        for head in tuple(self._heads):
            if not len(left):
                break
            words = _gather(lines, lines.starts[left] - head.pad, len(head.mask) + SLOT)
            fits = _matches(words, head) & (lines.starts[left] + head.length < lines.ends[left])
            taken, left, words = _split(fits, left, words)
            if len(taken):
                unfit.append(self._name(lines, taken, head, words, told))
                _prefer(self._heads, head, by=len(taken) > len(left))
        return np.sort(np.concatenate([*unfit, left])) if unfit else left

    def _name(self, lines: Lines, taken: Numbers, head: Shape, words: Words, told: Told) -> Numbers:
        """Tell the events of lines that begin like ``head``; those of an unknown name are given back."""
        hashes, lengths = _hashed(words, len(head.mask) // 8)
        codes = self.kinds.look_up(hashes)
        known = (codes != 0) & (lengths < SLOT)
        strange = taken[~known]
        if len(strange):
            taken, codes, lengths = taken[known], codes[known], lengths[known]
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
            words = _gather(lines, begins - tail.pad, len(tail.mask) + SLOT)
            fits = _matches(words, tail) & (begins + tail.length < lines.ends[left])
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
        hashes, lengths = _hashed(words, column)
        codes = self.steps.look_up(hashes)
        known = (codes != 0) & (lengths < SLOT)
        told.steps[taken] = codes
        return taken[~known]

    def _time(self, lines: Lines, places: Numbers, shape: Shape) -> Numbers:
        if shape.time_form == "epoch":
            return _epoch_times(_gather(lines, places, 16))
        words = _gather(lines, places, 24)
        return _iso_times(words, self._days_of(words), fraction=shape.time_form == "milliseconds")

    def _days_of(self, words: Words) -> Numbers | int:
        """The day of each time in ms since 1970; one number where all are of one day."""
        dates = words[:, 0] ^ ((words[:, 1] & np.uint64(0xFFFF)) * _MIX[0])
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
    """A time in whole ms since 1970; ``NO_TIME`` for one that no calendar knows."""
    return round(ts * 1_000_000) // 1000 if 0 <= ts < 1e11 else NO_TIME


def _keep(shapes: list[Shape], shape: Shape) -> None:
    if shape not in shapes and len(shapes) < MOST_SHAPES:
        shapes.insert(0, shape)


def _prefer(shapes: list[Shape], shape: Shape, *, by: bool) -> None:
    """Try a shape that most lines fit first."""
    if by and shapes[0] is not shape:
        shapes.remove(shape)
        shapes.insert(0, shape)


def _gather(lines: Lines, places: Numbers, width: int) -> Words:
    """``width`` bytes from each place of a block, as a row of words."""
    every = np.ndarray((len(lines.raw) - width + 1,), f"V{width}", lines.raw, strides=(1,))
    return every[places + SLACK].view(np.uint64).reshape(-1, width // 8)


def _matches(words: Words, shape: Shape) -> Mask:
    """Which rows begin like a shape."""
    differ = np.zeros(len(words), np.uint64)
    masks, wants = np.frombuffer(shape.mask, np.uint64), np.frombuffer(shape.want, np.uint64)
    for column, (mask, want) in enumerate(zip(masks, wants, strict=True)):
        here = words[:, column] ^ want if mask == _ALL else (words[:, column] & mask) ^ want
        differ |= here
    return differ == 0


def _split(fits: Mask, lines: Numbers, words: Words) -> tuple[Numbers, Numbers, Words]:
    """The lines that fit, those that do not, and the words of those that do."""
    if fits.all():
        return lines, lines[:0], words
    return lines[fits], lines[~fits], words[fits]


def _part(fits: Mask, values: Numbers) -> tuple[Numbers, Numbers]:
    return (values, values[:0]) if fits.all() else (values[fits], values[~fits])


def _hashed(words: Words, column: int) -> tuple[Words, Numbers]:
    """A hash of each text that begins in a column and ends at a quote, and its length; ``SLOT`` where it does not end.

    The lowest zero byte of ``word ^ quotes`` is found by the borrow trick; the bytes below it are kept.
    """
    hashes = np.zeros(len(words), np.uint64)
    lengths = np.zeros(len(words), np.int64)
    is_open = np.full(len(words), _ALL)
    for part, odd in enumerate(_MIX):
        word = words[:, column + part]
        unlike = word ^ _QUOTES
        quotes = (unlike - _ONES) & ~unlike & _HIGHS
        below = _below(quotes) & is_open
        hashes ^= (word & below) * odd
        lengths += np.bitwise_count(below) >> 3
        is_open &= np.where(quotes == 0, _ALL, np.uint64(0))
        if not is_open.any():
            break
    return hashes, lengths


def _below(quotes: Words) -> Words:
    """All bits of the bytes below the lowest one that is marked; all bits where none is."""
    lowest = quotes & (~quotes + np.uint64(1))
    return (lowest >> np.uint64(7)) - np.uint64(1)


def _hash_of(raw: bytes) -> Words:
    words = np.frombuffer(raw.ljust(SLOT, b"\0"), np.uint64)
    return np.array([np.bitwise_xor.reduce(words * np.array(_MIX))])


def _places(hashes: Words) -> tuple[Numbers, Numbers]:
    """The two places of a hash in a table of 65,536."""
    first = (hashes >> np.uint64(48)).astype(np.int64)
    return first, ((hashes >> np.uint64(32)) & np.uint64(0xFFFF)).astype(np.int64)


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


def _iso_times(words: Words, days: Numbers | int, *, fraction: bool) -> Numbers:
    """Times like ``2026-11-22T06:54:51.990``, given as three words each."""
    clock = words[:, 1] & _DIGITS
    pairs = clock * np.uint64(10) + (clock >> np.uint64(8))
    hours, minutes = _byte(pairs, 3), _byte(pairs, 6)
    rest = words[:, 2] & _DIGITS
    pairs = rest * np.uint64(10) + (rest >> np.uint64(8))
    seconds = _byte(pairs, 1)
    times = ((hours * 60 + minutes) * 60 + seconds) * 1000
    if fraction:
        times += _byte(pairs, 4) * 10 + _byte(rest, 6)
    times += days
    wrong = (hours > 23) | (minutes > 59) | (seconds > 59) | (times < 0)
    if wrong.any():
        times[wrong] = NO_TIME
    return times


def _epoch_times(words: Words) -> Numbers:
    """Times like ``1759170586.123``, given as two words each."""
    digits = words[:, 0] & _DIGITS
    pairs = (digits * np.uint64(10) + (digits >> np.uint64(8))) & np.uint64(0x00FF00FF00FF00FF)
    fours = (pairs * np.uint64(100) + (pairs >> np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
    eight = ((fours * np.uint64(10000) + (fours >> np.uint64(32))) & np.uint64(0xFFFFFFFF)).astype(np.int64)
    rest = words[:, 1] & _DIGITS
    pairs = rest * np.uint64(10) + (rest >> np.uint64(8))
    return (eight * 100 + _byte(pairs, 0)) * 1000 + _byte(pairs, 3) * 10 + _byte(rest, 5)


def _byte(words: Words, number: int) -> Numbers:
    return ((words >> np.uint64(8 * number)) & np.uint64(0xFF)).astype(np.int64)

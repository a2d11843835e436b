"""How the lines of one log begin: learned from a line that was decoded, tried on all others at once.

Programs write the keys of an event in one order, so most lines of a log begin alike up to the name of the event, and go
on alike up to the step. A ``Shape`` is such a beginning as bytes with a mask: what must stand there, which bytes are
digits. What fits no shape is decoded, so a shape may fail to fit, but where it fits it says what decoding would say.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

MAX_TEMPLATE_BYTES = 256
"""Bytes of a shape at most: what a block keeps free before its first and behind its last line."""
WORD_BYTES = 32
"""Bytes of a name that are looked at: one that is longer is decoded."""

TimestampFormat = Literal["seconds", "milliseconds", "epoch"]

_TOKEN = re.compile(rb'\s*[{,]\s*"([^"\\]{1,64})"\s*:\s*')
_TEXT = re.compile(rb'"[^"\\]*"')
_BARE = re.compile(rb"[-+.eE0-9]+|true|false|null")
_ISO = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3,})?(?:\+00:00|Z)?")
_EPOCH = re.compile(rb"\d{10}\.\d{3,}")
_TIMES = (b"ts", b"timestamp")


@dataclass(frozen=True, slots=True)
class LineTemplate:
    """The bytes before a text that is wanted, aligned so that this text begins on a word.

    Attributes:
        length: bytes from where the shape begins to where the wanted text begins.
        mask, want: for each byte which bits count, and their value; padded in front to whole words.
        time_at: where the time stands, from where the shape begins; None where it holds none.
        gives_text: whether a wanted text follows; a shape without one only tells the time.
    """

    length: int
    mask: bytes
    expected: bytes
    time_at: int | None = None
    time_form: TimestampFormat | None = None
    gives_text: bool = True

    @property
    def pad(self) -> int:
        """Bytes in front of the shape that make it whole words."""
        return len(self.mask) - self.length


@dataclass(frozen=True, slots=True)
class _Value:
    key: bytes
    start: int
    end: int
    is_text: bool


def event_template(line: bytes) -> LineTemplate | None:
    """The shape of a line up to the name of its event; None where the name cannot be found like that."""
    values = list(_values(line))
    of_worker = any(value.key == b"type" for value in values)
    key = b"name" if of_worker else b"event"
    name = next((value for value in values if value.key == key and value.is_text), None)
    if name is None:
        return None
    return _shape(line, 0, name.start + 1, [value for value in values if value.end <= name.start])


def step_template(line: bytes, begin: int, *, needs_time: bool) -> LineTemplate | None:
    """The shape of a line from ``begin``, the closing quote of the event's name, up to the name of its step.

    Where no step follows at a place of its own, the shape ends behind the time, where that is asked for.
    """
    values = [value for value in _values(line) if value.start > begin]
    step = next((value for value in values if value.key == b"step_id" and value.is_text), None)
    if step is not None:
        shape = _shape(line, begin, step.start + 1, [value for value in values if value.end <= step.start])
        if shape is not None and (shape.time_at is not None or not needs_time):
            return shape
    time = next((value for value in values if value.key in _TIMES), None)
    if time is None or not needs_time:
        return None
    up_to = [value for value in values if value.end <= time.end]
    return _shape(line, begin, time.end, up_to, gives_text=False)


def text_at(line: bytes, start: int) -> bytes | None:
    """The bytes of the JSON text that begins there, up to its quote; None where they could be ambiguous."""
    end = line.find(b'"', start)
    if end < 0 or end - start >= WORD_BYTES or line[end - 1 : end] == b"\\":
        return None
    return line[start:end]


def _values(line: bytes) -> Iterator[_Value]:
    """The scalar values of an object in their order, up to the first that is none; ``data`` is gone into."""
    place = 0
    while (token := _TOKEN.match(line, place, MAX_TEMPLATE_BYTES)) is not None:
        text = _TEXT.match(line, token.end(), MAX_TEMPLATE_BYTES)
        found = text or _BARE.match(line, token.end(), MAX_TEMPLATE_BYTES)
        if found is not None:
            yield _Value(token[1], found.start(), found.end(), text is not None)
            place = found.end()
        elif token[1] == b"data":
            place = token.end()
        else:
            return


def _shape(
    line: bytes, begin: int, end: int, values: list[_Value], *, gives_text: bool = True
) -> LineTemplate | None:
    length = end - begin
    pad = -length % 8
    if length + pad > MAX_TEMPLATE_BYTES:
        return None
    mask = bytearray(b"\0" * pad + b"\xff" * length)
    time_at: int | None = None
    form: TimestampFormat | None = None
    for value in values:
        at = pad + value.start - begin
        if value.key in _TIMES:
            time_at, form = _time(line, value)
            if time_at is None:
                return None
            time_at -= begin
        if value.key in _TIMES or not value.is_text:
            _mask_digits(mask, line[value.start : value.end], at)
    want = bytes(byte & bits for byte, bits in zip(b"\0" * pad + line[begin:end], mask, strict=True))
    return LineTemplate(length, bytes(mask), want, time_at, form, gives_text)


def _time(line: bytes, value: _Value) -> tuple[int | None, TimestampFormat | None]:
    raw = line[value.start : value.end]
    if value.is_text:
        iso = _ISO.fullmatch(raw, 1, len(raw) - 1)
        return (value.start + 1, "milliseconds" if iso[1] else "seconds") if iso else (None, None)
    return (value.start, "epoch") if _EPOCH.fullmatch(raw) else (None, None)


def _mask_digits(mask: bytearray, raw: bytes, at: int) -> None:
    """Let every digit stand for any other."""
    for place, byte in enumerate(raw):
        if 0x30 <= byte <= 0x39:
            mask[at + place] = 0xF0

"""Templates of how the lines of one log begin, learned from decoded lines.

Programs write the keys of an event in one order, so most lines of a log begin alike up to the event name, and go
on alike up to the step. A template is such a beginning as bytes with a mask: which bytes are fixed, and which are
digits. A line that matches no template is decoded; a match gives the same values as decoding.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

MAX_TEMPLATE_BYTES = 256
"""Maximum length of a template; a block has this many spare bytes on both sides."""
WORD_BYTES = 32
"""Bytes of a name that are hashed; a line with a longer name is decoded."""

TimestampFormat = Literal["seconds", "milliseconds", "epoch"]

_TOKEN = re.compile(rb'\s*[{,]\s*"([^"\\]{1,64})"\s*:\s*')
_TEXT = re.compile(rb'"[^"\\]*"')
_BARE = re.compile(rb"[-+.eE0-9]+|true|false|null")
_ISO = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3,})?(?:\+00:00|Z)?")
_EPOCH = re.compile(rb"\d{10}\.\d{3,}")
_TIME_KEYS = (b"ts", b"timestamp")


@dataclass(frozen=True, slots=True)
class LineTemplate:
    """The bytes before a name, padded in front so that the name begins on a word.

    Attributes:
        length: bytes from the beginning of the template to the name.
        mask, expected: for each byte, which bits are fixed, and their values.
        time_at: position of the time in the template; None if it contains none.
        has_text: True if a name follows; a template without one only locates the time.
    """

    length: int
    mask: bytes
    expected: bytes
    time_at: int | None = None
    time_format: TimestampFormat | None = None
    has_text: bool = True

    @property
    def pad(self) -> int:
        """Bytes in front of the template that make it whole words."""
        return len(self.mask) - self.length


@dataclass(frozen=True, slots=True)
class _Value:
    key: bytes
    start: int
    end: int
    is_text: bool


def event_template(line: bytes) -> LineTemplate | None:
    """Return the template of a line up to the event name; None if no template can locate it."""
    values = list(_values(line))
    key = b"name" if any(value.key == b"type" for value in values) else b"event"
    name = next((value for value in values if value.key == key and value.is_text), None)
    if name is None:
        return None
    return _template(line, 0, name.start + 1, [value for value in values if value.end <= name.start])


def step_template(line: bytes, begin: int, *, needs_time: bool) -> LineTemplate | None:
    """Return the template of a line from ``begin``, the closing quote of the event name, up to the step name.

    If no step can be located, the template ends after the time, provided that ``needs_time`` is true.
    """
    values = [value for value in _values(line) if value.start > begin]
    step = next((value for value in values if value.key == b"step_id" and value.is_text), None)
    if step is not None:
        before = [value for value in values if value.end <= step.start]
        template = _template(line, begin, step.start + 1, before)
        if template is not None and (template.time_at is not None or not needs_time):
            return template
    time = next((value for value in values if value.key in _TIME_KEYS), None)
    if time is None or not needs_time:
        return None
    before = [value for value in values if value.end <= time.end]
    return _template(line, begin, time.end, before, has_text=False)


def text_at(line: bytes, start: int) -> bytes | None:
    """Return the bytes of the JSON string at ``start``; None if it is too long or has an escape."""
    end = line.find(b'"', start)
    if end < 0 or end - start >= WORD_BYTES or line[end - 1 : end] == b"\\":
        return None
    return line[start:end]


def _values(line: bytes) -> Iterator[_Value]:
    """Yield the scalar values of an object in order, up to the first other value, and those of ``data``."""
    position = 0
    while (token := _TOKEN.match(line, position, MAX_TEMPLATE_BYTES)) is not None:
        text = _TEXT.match(line, token.end(), MAX_TEMPLATE_BYTES)
        value = text or _BARE.match(line, token.end(), MAX_TEMPLATE_BYTES)
        if value is not None:
            yield _Value(token[1], value.start(), value.end(), text is not None)
            position = value.end()
        elif token[1] == b"data":
            position = token.end()
        else:
            return


def _template(
    line: bytes, begin: int, end: int, values: list[_Value], *, has_text: bool = True
) -> LineTemplate | None:
    length = end - begin
    pad = -length % 8
    if length + pad > MAX_TEMPLATE_BYTES:
        return None
    mask = bytearray(b"\0" * pad + b"\xff" * length)
    time_at: int | None = None
    time_format: TimestampFormat | None = None
    for value in values:
        if value.key in _TIME_KEYS:
            time_at, time_format = _time(line, value)
            if time_at is None:
                return None
            time_at -= begin
        if value.key in _TIME_KEYS or not value.is_text:
            for position in range(value.start, value.end):
                if line[position : position + 1].isdigit():
                    mask[pad + position - begin] = 0xF0  # any digit
    expected = bytes(byte & bits for byte, bits in zip(b"\0" * pad + line[begin:end], mask, strict=True))
    return LineTemplate(length, bytes(mask), expected, time_at, time_format, has_text)


def _time(line: bytes, value: _Value) -> tuple[int | None, TimestampFormat | None]:
    raw = line[value.start : value.end]
    if value.is_text:
        iso = _ISO.fullmatch(raw, 1, len(raw) - 1)
        return (value.start + 1, "milliseconds" if iso[1] else "seconds") if iso else (None, None)
    return (value.start, "epoch") if _EPOCH.fullmatch(raw) else (None, None)

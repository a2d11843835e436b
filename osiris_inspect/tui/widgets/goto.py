"""What can be typed behind ``:``: a line, a share of the whole, a moment of the run."""

import re
from typing import Literal, NamedTuple

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?\Z")
_NUMBER = re.compile(r"\d+(?:\.\d+)?\Z")
_DAY = 86_400.0


class JumpTarget(NamedTuple):
    """A place in a list: a line from 1, a share from 0 to 1, seconds since the run began, or seconds of the day."""

    kind: Literal["line", "share", "since", "clock"]
    value: float


def parse_target(text: str) -> JumpTarget | None:
    """The place that was typed; None where it is none.

    ``120`` is a line, ``50%`` a share, ``+1.5`` seconds since the beginning, ``12:03`` or ``12:03:04.5`` a time (UTC).
    """
    text = text.strip().replace(",", "").removesuffix("s")
    if text.endswith("%") and _NUMBER.match(text[:-1]):
        return JumpTarget("share", min(1.0, float(text[:-1]) / 100))
    if text.startswith("+") and _NUMBER.match(text[1:]):
        return JumpTarget("since", float(text[1:]))
    if match := _CLOCK.match(text):
        return JumpTarget("clock", int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3] or 0))
    return JumpTarget("line", float(text)) if text.isdecimal() else None


def target_time(place: JumpTarget, start: float) -> float:
    """The moment of a ``since`` or ``clock`` place, in seconds since 1970, for a run that began at ``start``.

    A time of day that lies before the beginning means the day after it.
    """
    if place.kind == "since":
        return start + place.value
    day = start - start % _DAY
    at = day + place.value
    return at if at >= start - 60 else at + _DAY

"""Jump targets typed after ``:``: a line, a percentage of the list, or a time."""

import re
from typing import Literal, NamedTuple

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?\Z")
_NUMBER = re.compile(r"\d+(?:\.\d+)?\Z")
_DAY = 86_400.0


class JumpTarget(NamedTuple):
    """Line from 1, share from 0 to 1, seconds since the start of the run, or seconds of the day."""

    kind: Literal["line", "share", "since", "clock"]
    value: float


def parse_target(text: str) -> JumpTarget | None:
    """Return the target that ``text`` names; None if it names none.

    ``120`` is a line, ``50%`` a share, ``+1.5`` seconds since the start, ``12:03`` or ``12:03:04.5`` a time (UTC).
    """
    text = text.strip().replace(",", "").removesuffix("s")
    if text.endswith("%") and _NUMBER.match(text[:-1]):
        return JumpTarget("share", min(1.0, float(text[:-1]) / 100))
    if text.startswith("+") and _NUMBER.match(text[1:]):
        return JumpTarget("since", float(text[1:]))
    if match := _CLOCK.match(text):
        return JumpTarget("clock", int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3] or 0))
    return JumpTarget("line", float(text)) if text.isdecimal() else None


def target_time(target: JumpTarget, start: float) -> float:
    """Return the time of a ``since`` or ``clock`` target in Unix seconds, for a run that started at ``start``.

    A time of day before the start means the next day.
    """
    if target.kind == "since":
        return start + target.value
    time = start - start % _DAY + target.value
    return time if time >= start - 60 else time + _DAY

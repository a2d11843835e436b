"""What a value of a configuration must be to reach the worker as it was written: whatever JSON says without loss."""

import math
from collections.abc import Iterator
from typing import Any, Final

Path = tuple[str | int, ...]

_LEAST: Final = -(1 << 63)
_MOST: Final = (1 << 64) - 1


def not_json_safe(name: str, value: Any, path: Path = ()) -> Iterator[tuple[str, Path]]:
    """Each part of a value that cannot travel: what is wrong with it, and where below ``value`` it stands."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from not_json_safe(str(key), item, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for place, item in enumerate(value):
            yield from not_json_safe(name, item, (*path, place))
    else:
        wrong = _problem(value)
        if wrong is not None:
            yield f"{name!r} {wrong}", path


def _problem(value: Any) -> str | None:
    match value:
        case bytes():
            return "is binary; write it as text"
        case set():
            return "is a set; write a list"
        case int() if not _LEAST <= value <= _MOST:
            return "is a number of more than 64 bits; write a smaller one, or text in quotes"
        case float() if not math.isfinite(value):
            return f"is {value}, which is no number; write one, or text in quotes"
        case str():
            return _text_problem(value)
    return None


def _text_problem(text: str) -> str | None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"is no text that can be written: half a character stands at {error.start + 1}"
    return None

"""Check that a configuration value can be sent to the worker as JSON without loss."""

import math
from collections.abc import Iterator
from typing import Any, Final

from osiris_inspect.runtime.pipeline.yaml_positions import KeyPath

_MIN_INTEGER: Final = -(1 << 63)
_MAX_INTEGER: Final = (1 << 64) - 1


def not_json_safe(name: str, value: Any, path: KeyPath = ()) -> Iterator[tuple[str, KeyPath]]:
    """Yield each part of a value that JSON cannot represent: the problem, and its path below ``value``."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from not_json_safe(str(key), item, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            yield from not_json_safe(name, item, (*path, position))
    else:
        problem = _problem(value)
        if problem is not None:
            yield f"{name!r} {problem}", path


def _problem(value: Any) -> str | None:
    match value:
        case bytes():
            return "is binary; write it as text"
        case set():
            return "is a set; write a list"
        case int() if not _MIN_INTEGER <= value <= _MAX_INTEGER:
            return "is an integer of more than 64 bits; use a smaller one or put it in quotes"
        case float() if not math.isfinite(value):
            return f"is {value}, which is not a finite number; use a number or put it in quotes"
        case str():
            return _text_problem(value)
    return None


def _text_problem(text: str) -> str | None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"is not valid text: character {error.start + 1} is half of a surrogate pair; remove it"
    return None

"""Decodes JSON documents of limited depth, so that callers can recurse into their values."""

import json
from typing import Any, Final

MAX_DEPTH: Final = 200
"""Nesting depth of the deepest value that is decoded."""


def loads(content: bytes | str) -> Any:
    """Return the value of a JSON document.

    Raises:
        ValueError: the document is invalid or nested deeper than ``MAX_DEPTH``.
    """
    try:
        value = json.loads(content)
    except RecursionError:
        raise ValueError("JSON nested too deep") from None
    if exceeds_depth(value):
        raise ValueError("JSON nested too deep")
    return value


def exceeds_depth(value: Any) -> bool:
    """Return True if a value is nested deeper than ``MAX_DEPTH``."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [item for item in level if isinstance(item, dict | list)]
        if not level:
            return False
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    return True

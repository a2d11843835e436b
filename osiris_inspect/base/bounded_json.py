"""Decodes JSON documents of limited depth, so that callers can recurse into their values, and YAML that is mostly JSON."""

import json
import re
from contextlib import suppress
from typing import Any, Final

MAX_DEPTH: Final = 200
"""Nesting depth of the deepest value that is decoded."""
_HALF_OF_A_PAIR: Final = re.compile(rb"\\u[dD][89a-fA-F]")
"""An escape that may be half of a surrogate pair, which no text of a run may contain."""


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


def load_document(content: bytes) -> Any:
    """Return the value of a JSON or YAML document, which the caller must not change.

    JSON is read without PyYAML, which takes longer to import than a small run takes to read.

    Raises:
        yaml.YAMLError: the document is neither, or exceeds a limit.
        UnicodeDecodeError: it is neither UTF-8 nor UTF-16.
    """
    if content.startswith(b"{") and _HALF_OF_A_PAIR.search(content) is None:
        with suppress(ValueError):  # a mapping of YAML in braces
            return loads(content)
    from osiris_inspect.base.bounded_yaml import load_yaml

    return load_yaml(content)


def exceeds_depth(value: Any) -> bool:
    """Return True if a value is nested deeper than ``MAX_DEPTH``."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [item for item in level if isinstance(item, dict | list)]
        if not level:
            return False
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    return True

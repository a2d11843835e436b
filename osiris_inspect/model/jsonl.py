"""Lines of JSON as people and programs really write them: NaN, torn ends, byte order marks, other encodings."""

import json
from typing import Any

import orjson

from osiris_inspect.model.errors import InvalidLine

MAX_LINE = 16 * 1024 * 1024
"""Bytes of one line that are decoded; a longer one is reported, not read."""
MAX_DEPTH = 200
"""Lists and objects inside each other that are decoded; whoever walks through a value may do so by calling itself."""


def decode_object(line: bytes) -> dict[str, Any]:
    """The JSON object in a line.

    ``NaN`` and ``Infinity`` are taken, since the original writes them. Of a key that stands twice the last one counts.

    Raises:
        InvalidLine: the line is empty, too long, no JSON, or JSON of another kind; the message says which.
    """
    if len(line) > MAX_LINE:
        raise InvalidLine(f"a line of {len(line):,} bytes, over the limit of {MAX_LINE:,}")
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        value = _decode_tolerant(line, error)
    if not isinstance(value, dict):
        raise InvalidLine(f"JSON of type {type(value).__name__}, not an object")
    if line.count(b"{") + line.count(b"[") > MAX_DEPTH and _exceeds_depth(value, MAX_DEPTH):
        raise InvalidLine("JSON nested too deep")
    return value


def _exceeds_depth(value: Any, most: int) -> bool:
    level = [value]
    for _ in range(most):
        inner = [item.values() if isinstance(item, dict) else item for item in level]
        level = [item for items in inner for item in items if isinstance(item, dict | list)]
    return bool(level)


def _decode_tolerant(line: bytes, first_error: Exception) -> Any:
    text = line.strip(b"\xef\xbb\xbf \t\r\n\0")
    if not text:
        raise InvalidLine("empty line")
    try:
        return json.loads(text.decode("utf-8"))
    except UnicodeDecodeError:
        raise InvalidLine("bytes that are not UTF-8") from None
    except RecursionError:
        raise InvalidLine("JSON nested too deep") from None
    except ValueError:
        raise InvalidLine(f"no JSON: {first_error}") from None


def encode(value: Any) -> bytes:
    """One line of JSON without its newline.

    Raises:
        TypeError: ``value`` holds something JSON has no form for.
    """
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)

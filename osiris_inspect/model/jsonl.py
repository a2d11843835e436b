"""Tolerant decoding of JSON lines: NaN, truncated lines, byte order marks, other encodings."""

import json
from typing import Any

import orjson

from osiris_inspect.model.errors import InvalidLine

MAX_LINE = 16 * 1024 * 1024
"""Bytes of the longest line that is decoded."""
MAX_DEPTH = 200
"""Nesting depth of the deepest value that is decoded, so that callers can recurse into values."""


def decode_object(line: bytes) -> dict[str, Any]:
    """Return the JSON object in a line.

    Accepts ``NaN`` and ``Infinity``, which the original writes. The last of several values of one key is used.

    Raises:
        InvalidLine: the line is empty, too long or not a JSON object; the message says which.
    """
    if len(line) > MAX_LINE:
        raise InvalidLine(f"a line of {len(line):,} bytes, over the limit of {MAX_LINE:,}")
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        value = _decode_tolerant(line, error)
    if not isinstance(value, dict):
        raise InvalidLine(f"JSON of type {type(value).__name__}, not an object")
    if line.count(b"{") + line.count(b"[") > MAX_DEPTH and exceeds_depth(value):
        raise InvalidLine("JSON nested too deep")
    return value


def exceeds_depth(value: Any) -> bool:
    """Return True if a value is nested deeper than ``MAX_DEPTH``."""
    level = [value]
    for _ in range(MAX_DEPTH):
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
        is_utf_16 = line.startswith((b"\xff\xfe", b"\xfe\xff"))
        raise InvalidLine("UTF-16 text, not UTF-8" if is_utf_16 else "bytes that are not UTF-8") from None
    except RecursionError:
        raise InvalidLine("JSON nested too deep") from None
    except ValueError:
        raise InvalidLine(f"no JSON: {first_error}") from None


def encode(value: Any) -> bytes:
    """Return a value as a line of JSON without a newline.

    Raises:
        TypeError: ``value`` contains something that JSON cannot represent.
    """
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)

"""Encodes a value as one line of JSON."""

import json
import math
from datetime import date
from typing import Any

from osiris_inspect.base.text.terminal_text import escape_json
from osiris_inspect.model import jsonl


def to_json_line(value: Any) -> bytes:
    """Return the value as valid JSON without NaN, lone surrogates, newlines or invisible characters.

    A value of a type that JSON lacks becomes its text.
    """
    try:
        encoded = jsonl.encode(value)
    except TypeError:
        text = json.dumps(_sanitized(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        encoded = text.encode("utf-8", "replace")
    return encoded if is_plain(encoded) else escape_json(encoded.decode()).encode()


def is_plain(encoded: bytes | bytearray) -> bool:
    """Return True if JSON certainly has no character that acts or cannot be seen."""
    return encoded.isascii() and b"\x7f" not in encoded and b"##" not in encoded


def _sanitized(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _sanitized(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_sanitized(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, date):  # or a datetime
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int | str) else str(value)

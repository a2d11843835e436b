"""Tolerant decoding of JSON lines: NaN, byte order marks, and what is left of damaged lines.

A line may be cut, may contain bytes of another program, raw control characters or unescaped quotes, or may hold two
objects because a newline was lost. Only lines that are not valid JSON are read that way, in linear time.
"""

import json
import re
from collections.abc import Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

import orjson

from osiris_inspect.model.errors import InvalidLine

MAX_LINE = 16 * 1024 * 1024
"""Bytes of the longest line that is decoded."""
MAX_DEPTH = 200
"""Nesting depth of the deepest value that is decoded, so that callers can recurse into values."""

MAX_DAMAGED_DEPTH: Final = 8
"""Nesting depth of invalid objects that are read; deeper ones are cut."""
MAX_OBJECTS: Final = 100_000
"""Valid objects that are read from one line, which may be an array."""
MAX_INVALID: Final = 16
"""Invalid objects that are read from one line."""
MAX_SKIPPED: Final = 100
"""Unreadable values of one object that are skipped."""

_DECODER = json.JSONDecoder(strict=False)  # accepts raw control characters in strings
_SPACE = re.compile(r"[\s,\0]*")
_COLON = re.compile(r"\s{0,16}:\s{0,16}")
_STRING = re.compile(r'"((?:[^"\\]|\\[\s\S])*)("?)')
_STRING_END = re.compile(r'"\s{0,16}(?:,\s{0,16}"[\w.\-]{1,64}"\s{0,16}:|\}\s{0,16}(?:[,}\]{]|\Z))')
_NEXT_KEY = re.compile(r',\s{0,16}"[\w.\-]{1,64}"\s{0,16}:')
_ESCAPE = re.compile(r'\\(["\\/bfnrt]|u[0-9a-fA-F]{4})')
_OBJECT = re.compile(r'\{\s{0,16}"')


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
    if is_too_deep(line, value):
        raise InvalidLine("JSON nested too deep")
    return value


def decode_value(text: str) -> Any:
    """Return the value of a JSON text.

    Raises:
        InvalidLine: it is not JSON (``NaN`` is not), or nested too deep.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidLine(f"no JSON: {error}") from None
    if is_too_deep(text.encode(), value):
        raise InvalidLine("JSON nested too deep")
    return value


def decode_valid(lines: Sequence[bytes]) -> list[dict[str, Any] | None]:
    """Return the objects in lines; None for a line that is not valid, not an object, or nested too deep.

    Faster for many lines than ``decode_object`` for each.
    """
    try:
        values = list(map(orjson.loads, lines))
    except orjson.JSONDecodeError:
        values = list(map(_valid, lines))
    if max(map(len, lines), default=0) > 2 * MAX_DEPTH:  # bytes of the shortest line that is too deep
        return [None if is_too_deep(*line) else _object(line[1]) for line in zip(lines, values, strict=True)]
    return list(map(_object, values))


def _valid(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


def _object(value: Any) -> dict[str, Any] | None:
    return value if value.__class__ is dict else None


def is_too_deep(line: bytes, value: Any) -> bool:
    """Return True if the value of a line is nested deeper than ``MAX_DEPTH``."""
    if len(line) <= 2 * MAX_DEPTH:
        return False  # each bracket is closed
    return line.count(b"{") + line.count(b"[") > MAX_DEPTH and _exceeds_depth(value)


def _exceeds_depth(value: Any) -> bool:
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


class DamagedObject(NamedTuple):
    """An object of a damaged line.

    Attributes:
        is_whole: True if its closing brace was read.
        cut_text: the beginning of the string that was cut, if the object was cut inside of one.
    """

    value: dict[str, Any]
    is_whole: bool
    cut_text: str | None = None


class _Incomplete(Exception):
    """The text is no longer JSON; ``value`` is what was read before, ``cut_text`` the string that it ends in."""

    def __init__(self, value: Any, cut_text: str | None = None) -> None:
        super().__init__()
        self.value, self.cut_text = value, cut_text


def read_objects(line: bytes) -> list[DamagedObject]:
    """Return the objects that a damaged line contains, in order; those that were cut without their end."""
    text = line.decode("utf-8", "replace")
    objects: list[DamagedObject] = []
    position = invalid = 0
    while len(objects) < MAX_OBJECTS and (start := _OBJECT.search(text, position)) is not None:
        valid = _valid_object(text, start.start())
        if valid is not None:
            value, position = valid
            objects.append(DamagedObject(value, is_whole=True))
            continue
        invalid += 1
        if invalid > MAX_INVALID:
            break
        following = _last_object(text, start.end())
        try:
            value, position = _read_object(text[:following], start.start() + 1, MAX_DAMAGED_DEPTH)
            objects.append(DamagedObject(value, is_whole=True))
        except _Incomplete as cut:
            if cut.value:
                objects.append(DamagedObject(cut.value, is_whole=False, cut_text=cut.cut_text))
            position = len(text)
        position = following if following is not None else position
    return [item for item in objects if not _exceeds_depth(item.value)]


def describe_damage(line: bytes, objects: Sequence[DamagedObject]) -> str:
    """Return what is wrong with a damaged line of which these objects were read."""
    if len(objects) > 1:
        return f"{len(objects)} objects on one line"
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return "bytes that are not UTF-8"
    if objects and not objects[0].is_whole:
        return "an object that was cut"
    try:
        value = json.loads(text.strip("\ufeff \t\r\n\0"), strict=False)
    except (ValueError, RecursionError):
        return "invalid JSON"
    return "control characters in a string" if isinstance(value, dict) else "a JSON array"


def _valid_object(text: str, start: int) -> tuple[dict[str, Any], int] | None:
    try:
        value, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    return (value, end) if isinstance(value, dict) else None


def _last_object(text: str, start: int) -> int | None:
    """Return where a valid object begins that ends the text: a whole line after a cut one; None without one."""
    for match in islice(_OBJECT.finditer(text, start), MAX_INVALID):
        valid = _valid_object(text, match.start())
        if valid is not None and not text[valid[1] :].strip():
            return match.start()
    return None


def _read_object(text: str, position: int, depth: int) -> tuple[dict[str, Any], int]:
    """Return the object whose first key is at ``position``, and the position after it.

    Raises:
        _Incomplete: the text ends first, or its rest cannot be read.
    """
    value: dict[str, Any] = {}
    skipped = 0
    while True:
        space = _SPACE.match(text, position)
        position = space.end() if space is not None else position
        if text[position : position + 1] == "}":
            return value, position + 1
        if text[position : position + 1] != '"':
            raise _Incomplete(value)
        try:
            key, position = _read_string(text, position)
        except _Incomplete:
            raise _Incomplete(value) from None
        colon = _COLON.match(text, position)
        if colon is None:
            raise _Incomplete(value)
        try:
            value[key], position = _read_value(text, colon.end(), depth)
        except _Incomplete as cut:
            if cut.value not in (None, {}):
                value[key] = cut.value
            following = _NEXT_KEY.search(text, colon.end()) if cut.value is None else None
            skipped += 1
            if following is None or skipped > MAX_SKIPPED:
                raise _Incomplete(value, cut.cut_text) from None
            position = following.start()


def _read_value(text: str, position: int, depth: int) -> tuple[Any, int]:
    character = text[position : position + 1]
    if character == '"':
        return _read_string(text, position)
    if character == "{":
        if depth == 0:
            raise _Incomplete({})
        return _read_object(text, position + 1, depth - 1)
    try:
        return _DECODER.raw_decode(text, position)
    except (ValueError, RecursionError):
        raise _Incomplete(None) from None


def _read_string(text: str, position: int) -> tuple[str, int]:
    """Return the string at ``position``; one with unescaped quotes ends where a key or the object's end follows."""
    match = _STRING.match(text, position)
    if match is None or not match[2]:
        raise _cut_string(text[position + 1 :])
    end = match.end()
    if text[end : end + 64].lstrip()[:1] not in (",", "}", "]", ":", ""):
        ending = _STRING_END.search(text, end)
        if ending is None:
            raise _cut_string(text[position + 1 :])
        end = ending.start() + 1
    return _unescaped(text[position + 1 : end - 1]), end


def _cut_string(text: str) -> _Incomplete:
    return _Incomplete(_unescaped(text), _unescaped(text))


def _unescaped(text: str) -> str:
    """Return the text of a string; a backslash that begins no escape is left."""
    return _ESCAPE.sub(lambda match: str(json.loads(f'"{match[0]}"')), text) if "\\" in text else text

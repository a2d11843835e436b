"""Texts that stand in every line a filter keeps, as the bytes of the line: what can be looked for before decoding.

JSON writes most signs of a text as they are. So a filter that asks for a text can only keep lines that hold the longest
part of it which is written in one way alone, in any case; and lines with an escape for a sign that needs none, behind which it can
hide: whoever looks must take those as well.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from osiris_inspect.inspector.event_log.filter.expressions import (
    And,
    Expression,
    FieldComparison,
    Or,
    TextContains,
)
from osiris_inspect.inspector.event_log.filter.filter import BUILTIN_FIELDS
from osiris_inspect.model.event import ALIASES

Literal = tuple[bytes, ...]
"""Texts, folded, of which every line that is kept holds one."""
ESCAPE: Final = b"\\u00"
"""Begins a sign that JSON need not escape, and all others of one byte."""

_RUN: Final = re.compile(r"[a-jl-z0-9_.-]+")
"""Signs that a line shows as they are. There is another K whose small letter is this k."""
_LEAST: Final = 3
_ESCAPED_DIFFERENTLY: Final = ("none", "true", "false", "inf", "nan")
"""How values are spelled that JSON spells otherwise."""
_LETTER: Final = re.compile(r"[a-df-z_]")
"""Stands in no number, and numbers are spelled in many ways."""
_FOLDED: Final = bytes(byte | 0x20 for byte in range(256))
_COMPUTED_FIELDS: Final = ("side", "dialect", "place")
"""Fields that a line may have without a word of it."""


def required_literals(node: Expression) -> tuple[Literal, ...]:
    """What must stand in each line that a part of a filter keeps: of every needle one text; empty where nothing must."""
    if isinstance(node, TextContains):
        return _of_text(node.text)
    if isinstance(node, FieldComparison) and node.operator not in ("!=", "!~"):
        return (*_of_key(node.key), *_of_value(node))
    if isinstance(node, And):
        return tuple(needle for part in node.parts for needle in required_literals(part))
    if isinstance(node, Or):
        return _from_any([required_literals(part) for part in node.parts])
    return ()


def casefold_ascii(text: bytes) -> bytes:
    """The text with one bit of each byte set, by which capital letters differ from small ones."""
    return text.translate(_FOLDED)


def may_match(line: bytes, wanted: Sequence[Literal]) -> bool:
    """Whether a line may hold one text of each needle."""
    shown = casefold_ascii(line)
    return all(any(text in shown for text in needle) for needle in wanted) or ESCAPE in line


def _from_any(parts: list[tuple[Literal, ...]]) -> tuple[Literal, ...]:
    if not all(parts):
        return ()
    longest = [max(part, key=lambda needle: min(map(len, needle))) for part in parts]
    return (tuple(dict.fromkeys(text for needle in longest for text in needle)),)


def _of_key(key: str) -> tuple[Literal, ...]:
    """The end of the name of a field, which may lie within another one: ``error.type``."""
    if key in BUILTIN_FIELDS or not key.isascii():
        return ()
    outer, _, name = key.rpartition(".")
    return ((casefold_ascii(f'{name}"'.encode() if outer else f'"{name}"'.encode()),),)


def _of_value(node: FieldComparison) -> tuple[Literal, ...]:
    if node.operator not in ("=", "~") or node.key in _COMPUTED_FIELDS:
        return ()
    return (_of_whole(node.value) if node.operator == "=" else ()) or _of_text(node.value)


def _of_whole(value: str) -> tuple[Literal, ...]:
    """What stands around a value as well: all of it is one text."""
    if not _RUN.fullmatch(value) or not _has_one_spelling(value):
        return ()
    written = [original for original, name in ALIASES.items() if value == name]
    return (tuple(casefold_ascii(f'"{one}"'.encode()) for one in (value, *written)),)


def _of_text(text: str) -> tuple[Literal, ...]:
    run = max(_runs(text), key=len, default="")
    if not run:
        return ()
    written = [original for original, name in ALIASES.items() if run in name and run not in original]
    return (tuple(casefold_ascii(one.encode()) for one in (run, *written)),)


def _runs(text: str) -> Iterator[str]:
    """The parts of a text that a line which holds it shows as they are.

    An ``i`` at the end of a part may be one with a dot above, which in small letters is an ``i`` and the dot.
    """
    for run in _RUN.findall(text):
        sure = run.rstrip("i")
        if len(sure) >= _LEAST and _has_one_spelling(sure):
            yield sure


def _has_one_spelling(run: str) -> bool:
    """Whether a run can be no part of what is spelled in more ways than one."""
    return _LETTER.search(run) is not None and not any(run in word for word in _ESCAPED_DIFFERENTLY)

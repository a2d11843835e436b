"""Texts that every matching line must contain, as bytes: they can be searched before a line is decoded.

JSON writes most characters of a text as they are. If a filter requires a text, matching lines contain its
longest part that JSON writes in one way only, ignoring case; or they contain an unnecessary escape, which may
hide it. Therefore lines with such an escape must be decoded as well.
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
"""Alternative texts, folded; every matching line contains one of them."""
ESCAPE: Final = b"\\u00"
"""Beginning of the escape of a character that JSON need not escape."""

_RUN: Final = re.compile(r"[a-jl-z0-9_.-]+")
"""Characters that a line shows as they are; without k, which is also the small letter of the Kelvin sign."""
_MIN_LENGTH: Final = 3
_ESCAPED_DIFFERENTLY: Final = ("none", "true", "false", "inf", "nan")
"""Values that JSON spells differently."""
_LETTER: Final = re.compile(r"[a-df-z_]")
"""A character that is not part of a number; numbers have many spellings."""
_FOLDED: Final = bytes(byte | 0x20 for byte in range(256))
_COMPUTED_FIELDS: Final = ("side", "dialect", "place")
"""Fields whose value need not be in the line."""


def required_literals(node: Expression) -> tuple[Literal, ...]:
    """Return the literals that every matching line contains; empty if none is required."""
    if isinstance(node, TextContains):
        return text_literals(node.text)
    if isinstance(node, FieldComparison) and node.operator not in ("!=", "!~"):
        return (*_key_literals(node.key), *_value_literals(node))
    if isinstance(node, And):
        return tuple(literal for part in node.parts for literal in required_literals(part))
    if isinstance(node, Or):
        return _any_of([required_literals(part) for part in node.parts])
    return ()


def casefold_ascii(text: bytes) -> bytes:
    """Return the text with bit 5 of each byte set, which makes letters lower case."""
    return text.translate(_FOLDED)


def may_match(line: bytes, literals: Sequence[Literal]) -> bool:
    """Return True if a line may contain one text of each literal."""
    folded = casefold_ascii(line)
    return all(any(text in folded for text in literal) for literal in literals) or ESCAPE in line


def _any_of(parts: list[tuple[Literal, ...]]) -> tuple[Literal, ...]:
    if not all(parts):
        return ()
    longest = [max(part, key=lambda literal: min(map(len, literal))) for part in parts]
    return (tuple(dict.fromkeys(text for literal in longest for text in literal)),)


def _key_literals(key: str) -> tuple[Literal, ...]:
    """Return the end of the name of a field, which may be nested: ``error.type``."""
    if key in BUILTIN_FIELDS or not key.isascii():
        return ()
    outer, _, name = key.rpartition(".")
    return ((casefold_ascii(f'{name}"'.encode() if outer else f'"{name}"'.encode()),),)


def _value_literals(node: FieldComparison) -> tuple[Literal, ...]:
    if node.operator not in ("=", "~") or node.key in _COMPUTED_FIELDS:
        return ()
    return (_whole_value_literals(node.value) if node.operator == "=" else ()) or text_literals(node.value)


def _whole_value_literals(value: str) -> tuple[Literal, ...]:
    """Return the value with its quotes if the whole value is one run."""
    if not _RUN.fullmatch(value) or not _has_one_spelling(value):
        return ()
    written = [original for original, name in ALIASES.items() if value == name]
    return (tuple(casefold_ascii(f'"{one}"'.encode()) for one in (value, *written)),)


def text_literals(text: str) -> tuple[Literal, ...]:
    """Return the longest part of a text that JSON writes in one way, as the only literal; empty without one."""
    run = max(_runs(text), key=len, default="")
    if not run:
        return ()
    written = [original for original, name in ALIASES.items() if run in name and run not in original]
    return (tuple(casefold_ascii(one.encode()) for one in (run, *written)),)


def _runs(text: str) -> Iterator[str]:
    """Yield the parts of a text that a line shows as they are.

    A trailing ``i`` may be the first character of ``İ`` in lower case, so it is removed.
    """
    for run in _RUN.findall(text):
        run_without_i = run.rstrip("i")
        if len(run_without_i) >= _MIN_LENGTH and _has_one_spelling(run_without_i):
            yield run_without_i


def _has_one_spelling(run: str) -> bool:
    """Return True if a run cannot be part of a value with several spellings."""
    return _LETTER.search(run) is not None and not any(run in word for word in _ESCAPED_DIFFERENTLY)

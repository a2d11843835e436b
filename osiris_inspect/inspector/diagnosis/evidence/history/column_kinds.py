"""Kinds of column types, independent of their width, of the library and of whether they may be null."""

import re

_KINDS = (
    ("integer", re.compile(r"u?int(?:8|16|32|64|eger)?\b|(?:big|small|tiny)int\b")),
    ("float", re.compile(r"float(?:16|32|64)?\b|double\b|halffloat\b|real\b")),
    ("decimal", re.compile(r"decimal|numeric")),
    ("boolean", re.compile(r"bool")),
    ("time", re.compile(r"datetime|timestamp|date(?:32|64)?\b|period")),
    ("duration", re.compile(r"timedelta|duration|interval")),
    ("text", re.compile(r"str\b|string|large_string|object\b|varchar|text\b|category|dictionary|utf8")),
    ("binary", re.compile(r"binary|large_binary|bytes")),
    ("nested", re.compile(r"list|large_list|struct|map|fixed_size_list")),
)


def kind_of(dtype: str) -> str:
    """Return the kind of a type, such as ``integer``; empty if it is unknown or the column had no values."""
    name = dtype.lower()
    return next((kind for kind, pattern in _KINDS if pattern.match(name)), "")

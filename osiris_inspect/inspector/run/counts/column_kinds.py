"""Kinds of column types, independent of their width, of the library and of whether they may be null."""

_KINDS = {
    "duration": ("timedelta", "duration", "interval"),
    "nested": ("struct", "list", "large_list", "fixed_size_list", "map"),
    "integer": ("int", "uint", "bigint", "smallint", "tinyint"),
    "float": ("float", "double", "halffloat", "real"),
    "decimal": ("decimal", "numeric"),
    "boolean": ("bool",),
    "time": ("datetime", "timestamp", "date", "period"),
    "text": ("str", "large_str", "object", "varchar", "char", "text", "categor", "dictionary", "utf8"),
    "binary": ("binary", "large_binary", "fixed_size_binary", "bytes"),
}
"""The beginnings of the names of types, in lower case; the first kind that fits counts."""


def kind_of(dtype: str) -> str:
    """Return the kind of a type, such as ``integer``; empty if it is unknown or the column had no values."""
    name = dtype.lower()
    return next((kind for kind, beginnings in _KINDS.items() if name.startswith(beginnings)), "")

"""Unique column names for SQL."""

from collections.abc import Sequence
from typing import Any


def unique_sql_names(labels: Sequence[Any]) -> list[str]:
    """Return a name for each column that is unique in SQL.

    A printable text label stays unless an earlier column has it (SQL ignores case). Others become
    ``c<position>``.
    """
    taken = {label.lower() for label in labels if _is_sql_name(label)}
    seen: set[str] = set()
    names = []
    for position, label in enumerate(labels):
        name = label if _is_sql_name(label) and label.lower() not in seen else _unused_name(position, taken)
        seen.add(name.lower())
        taken.add(name.lower())
        names.append(str(name))
    return names


def _is_sql_name(label: Any) -> bool:
    return type(label) is str and bool(label) and label.isprintable() and _is_utf8(label)


def _is_utf8(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _unused_name(position: int, taken: set[str]) -> str:
    name = f"c{position}"
    while name in taken:
        name += "_"
    return name

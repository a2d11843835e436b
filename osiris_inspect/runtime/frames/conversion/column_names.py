"""Names of columns that SQL can tell apart."""

from collections.abc import Sequence
from typing import Any


def unique_sql_names(labels: Sequence[Any]) -> list[str]:
    """A name for each column that SQL can tell from the others.

    Text that is no name of an earlier column (SQL does not tell ``a`` from ``A``) stays; anything else is ``c<place>``.
    """
    taken = {label.lower() for label in labels if _is_sql_name(label)}
    seen: set[str] = set()
    names = []
    for place, label in enumerate(labels):
        name = label if _is_sql_name(label) and label.lower() not in seen else _unused_name(place, taken)
        seen.add(name.lower())
        taken.add(name.lower())
        names.append(str(name))
    return names


def _is_sql_name(label: Any) -> bool:
    return type(label) is str and bool(label) and label.isprintable() and _is_utf8(label)


def _is_utf8(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _unused_name(place: int, taken: set[str]) -> str:
    name = f"c{place}"
    while name in taken:
        name += "_"
    return name

"""Names of columns: unique ones for SQL, and those of the frame as text."""

from collections.abc import Sequence
from typing import Any

import pandas as pd


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


def label_text(label: Any) -> str:
    """Return the label of a column as text; a missing one is empty."""
    return "" if label is None or label is pd.NA or label != label else str(label)  # noqa: PLR0124  NaN


def _is_sql_name(label: Any) -> bool:
    return type(label) is str and bool(label) and label.isprintable() and _is_utf8(label)


def _is_utf8(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _unused_name(position: int, taken: set[str]) -> str:
    name = f"c{position}"
    while name in taken:
        name += "_"
    return name

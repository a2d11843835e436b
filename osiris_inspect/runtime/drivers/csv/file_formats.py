"""Files of a step whose columns have another form than in the other files, although the names are the same.

Recorded as ``other_format``, part of ``source`` of ``output_stored``: the ``path``, the ``column``, and ``how`` it differs.

- ``number format``: numbers with other signs, such as a decimal comma, where the other files have plain numbers.
- ``order``: text where the other files have numbers, and beside it numbers where they have text.
"""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

import pandas as pd

from osiris_inspect.runtime.drivers.csv.reader import CsvFile

MIN_FILES: Final = 3
MAX_FILES: Final = 1_000
MAX_NAMED: Final = 5
MAX_COLUMNS: Final = 256
SAMPLED: Final = 50
MIN_SHARE: Final = 0.8
_NUMBER_LIKE: Final = re.compile(
    r"\s?[-+(]?[€$£¥]?\s?\d[\d.,'\s]{0,30}(?:[%€$£¥)]|Kč|EUR|USD|CZK|GBP|PLN|CHF)?"
)
_LETTERS: Final = re.compile(r"[^\W\d]{2}")

Parts = Sequence[tuple[CsvFile, pd.DataFrame]]


def other_format(parts: Parts) -> dict[str, list[dict[str, int | str]]]:
    """Return the files with a column of another form; empty for fewer than ``MIN_FILES`` files with rows."""
    filled = [(file, frame) for file, frame in parts[:MAX_FILES] if len(frame)]
    if len(filled) < MIN_FILES:
        return {}
    kinds = [[_kind(dtype) for dtype in islice(frame.dtypes, MAX_COLUMNS)] for _, frame in filled]
    usual = [_usual(column) for column in zip(*kinds, strict=True)]
    found = (
        {"path": file.path.name, "column": str(frame.columns[position]), "how": how}
        for (file, frame), own in zip(filled, kinds, strict=True)
        if own != usual
        for position, how in islice(_differences(frame, own, usual), 1)
    )
    files: list[dict[str, int | str]] = [{**each} for each in islice(found, MAX_NAMED)]
    return {"other_format": files} if files else {}


def _kind(dtype: Any) -> str:
    """Return the kind of a column: number or text; empty for others. Pandas infers numbers for no values."""
    return "number" if dtype.kind in "iuf" else "text" if dtype.kind == "O" else ""


def _usual(kinds: Sequence[str]) -> str:
    """Return the kind that more than half of the files have; empty if there is none."""
    kind, count = Counter(kinds).most_common(1)[0]
    return kind if count > len(kinds) / 2 else ""


def _differences(frame: pd.DataFrame, own: Sequence[str], usual: Sequence[str]) -> list[tuple[int, str]]:
    """Return the columns of a file that differ, and how."""
    texts = [at for at, kind in enumerate(own) if kind == "text" and usual[at] == "number"]
    numbers = [
        at
        for at, kind in enumerate(own)
        if kind == "number" and usual[at] == "text" and frame.iloc[:, at].notna().any()
    ]
    if numbers:
        return [(at, "order") for at in texts if _share(frame, at, _LETTERS) >= MIN_SHARE]
    return [(at, "number format") for at in texts if _share(frame, at, _NUMBER_LIKE) >= MIN_SHARE]


def _share(frame: pd.DataFrame, position: int, pattern: re.Pattern[str]) -> float:
    """Return the share of the first values that a pattern matches; a number needs the whole text."""
    values = [str(value) for value in frame.iloc[:SAMPLED, position].dropna()]
    matched = sum(
        bool(pattern.search(value) if pattern is _LETTERS else pattern.fullmatch(value)) for value in values
    )
    return matched / len(values) if values else 0.0

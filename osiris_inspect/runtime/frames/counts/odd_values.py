"""Texts that are no values: a missing value or an error that became text, empty ones, numbers as ``12.0``, HTML entities.

Only known words are counted, so no text of a frame is recorded.
"""

import re
from collections import Counter
from functools import cache
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

MAX_ROWS: Final = 20_000
"""Rows of a slice that are searched for words."""
MIN_DECIMALS: Final = 3
"""Different values from which numbers that all end in ``.0`` are noticed."""
DECIMALS: Final = ".0"
ENTITIES: Final = "&amp;"
_WORDS: Final = frozenset(
    (
        "",
        *("nan", "NaN", "NaT", "None", "<NA>", "null", "NULL", "undefined"),
        *("#DIV/0!", "#REF!", "#VALUE!", "#N/A", "#NAME?", "#NUM!", "[object Object]"),
    )
)
_DECIMAL: Final = re.compile(r"-?\d{1,20}\.0")
_ENTITY: Final = re.compile(r"&(?:amp|nbsp|lt|gt|quot|apos|#\d{1,5}|#x[0-9a-fA-F]{1,5});")


def count_words(array: pa.Array) -> Counter[str]:
    """Return how many of the first rows of a column of text are one of the known words."""
    rows = array.slice(0, MAX_ROWS)
    is_word = pc.is_in(rows, value_set=_words(array.type))
    if not pc.any(is_word).as_py():
        return Counter()
    return Counter(rows.filter(is_word).to_pylist())


@cache
def _words(kind: pa.DataType) -> pa.Array:
    return pa.array(sorted(_WORDS), kind)


def find_forms(values: pa.Array) -> Counter[str]:
    """Return how many of the different values of a column's first rows have a form that texts hardly have."""
    texts: list[Any] = values.to_pylist()
    forms: Counter[str] = Counter()
    if all(text in _WORDS or _DECIMAL.fullmatch(text) for text in texts):
        numbers = sum(text not in _WORDS for text in texts)
        if numbers >= MIN_DECIMALS:
            forms[DECIMALS] = numbers
    if "&" in "".join(texts):
        forms[ENTITIES] = sum(_ENTITY.search(text) is not None for text in texts)
    return +forms

"""Rows and columns that the text of an error names."""

import re
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd

from osiris_inspect.runtime.frames.frame_part import FramePart, Positions
from osiris_inspect.runtime.replay.shrink.columns import column_names, column_series

_MAX_ROWS: Final = 1000
"""Rows with a value above which it does not name rows."""
_MAX_VALUES: Final = 6
_MAX_TEXT: Final = 20_000
_QUOTED: Final = re.compile(r"(?<!\w)(?:'([^'\n]*)'|\"([^\"\n]*)\"|`([^`\n]*)`)(?!\w)")
_NUMBER: Final = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?!\w)")
_WORD: Final = re.compile(r"\w+")


def named_rows(part: FramePart, error: str) -> Iterator[Positions]:
    """Yield the rows of a part that contain a value of the text of an error, at last those of all its values."""
    texts, numbers = _values(error)
    if not texts and not numbers:
        return
    columns = [column_series(part.frame, int(position)) for position in part.columns]
    found = []
    values: list[str | float] = [*texts, *numbers]
    for value in values:
        mask = np.zeros(len(part.frame), dtype=bool)
        for column in columns:
            mask |= _equals(column, value)
        rows = np.intersect1d(np.flatnonzero(mask), part.rows, assume_unique=True)
        if 0 < len(rows) <= _MAX_ROWS:
            found.append(rows)
            yield rows
    if len(found) > 1:
        yield np.unique(np.concatenate(found))


def named_columns(part: FramePart, text: str) -> Positions:
    """Return the columns of a part whose name occurs in a text, such as an error or a query."""
    words = set(_WORD.findall(text))
    names = column_names(part.frame)
    named = [position for position in part.columns if words.issuperset(_WORD.findall(names[position]))]
    return np.array(named, dtype=np.int64)


def _values(error: str) -> tuple[list[str], list[float]]:
    """Return the quoted texts and the numbers of an error, each once."""
    text = error[:_MAX_TEXT]
    quoted = (next(filter(None, match.groups()), "") for match in _QUOTED.finditer(text))
    numbers = (float(match[0]) for match in _NUMBER.finditer(text))
    return list(dict.fromkeys(quoted))[:_MAX_VALUES], list(dict.fromkeys(numbers))[:_MAX_VALUES]


def _equals(column: "pd.Series[Any]", value: str | float) -> Any:
    """Return where a column has a value; nowhere if its type cannot have it."""
    dtype = column.dtype
    is_number = pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)
    is_text = pd.api.types.is_string_dtype(dtype)
    if isinstance(dtype, pd.CategoricalDtype):
        is_number, is_text = False, True
    if not (is_number if isinstance(value, float) else is_text):
        return np.zeros(len(column), dtype=bool)
    return (column == value).fillna(value=False).to_numpy(dtype=bool)

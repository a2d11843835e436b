"""Replaces the cells of a small frame by simpler ones: null, 0 or 1, an empty text or ``a``."""

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from osiris_inspect.runtime.frames.frame_part import Frame
from osiris_inspect.runtime.replay.shrink.columns import (
    CellsRefused,
    cells_of,
    column_series,
    is_missing,
    replace_columns,
    with_cells,
)

MAX_ROWS: Final = 100
"""Rows of a frame above which its cells are replaced only a column at a time."""
_SIMPLE: Final[Sequence[tuple[tuple[type, ...], tuple[Any, Any]]]] = (
    ((bool, np.bool_), (False, True)),
    ((int, np.integer), (0, 1)),
    ((float, np.floating), (0.0, 1.0)),
    ((Decimal,), (Decimal(0), Decimal(1))),
    ((str,), ("", "a")),
    ((bytes,), (b"", b"a")),
    ((dt.timedelta,), (dt.timedelta(0), dt.timedelta(1))),
    ((list,), ([], [])),
    ((dict,), ({}, {})),
)
_CHOICES: Final = 3


def simplify_cells(frame: Frame, fails: Callable[[Frame], bool]) -> Frame:
    """Return the frame with simpler cells with which a test still fails; types, nulls and NaN stay.

    Row labels and attributes are left out first. Each column is tested with one value in all cells, then cell by cell.
    """
    frame = _without_labels(frame, fails)
    for position in range(frame.shape[1]):
        frame = _simplify_column(frame, position, fails)
    return frame


def _without_labels(frame: Frame, fails: Callable[[Frame], bool]) -> Frame:
    if isinstance(frame, pa.Table):
        return frame
    plain = frame.reset_index(drop=True)
    plain.attrs = {}
    is_plain = isinstance(frame.index, pd.RangeIndex) and plain.index.identical(frame.index)
    return frame if (is_plain and not frame.attrs) or not fails(plain) else plain


def _simplify_column(frame: Frame, position: int, fails: Callable[[Frame], bool]) -> Frame:
    column = column_series(frame, position)
    cells = cells_of(column)

    def attempt(changed: list[Any]) -> bool:
        nonlocal frame, cells
        try:
            candidate = replace_columns(frame, {position: with_cells(column, changed)})
        except CellsRefused:
            return False
        if not fails(candidate):
            return False
        frame, cells = candidate, changed
        return True

    for choice in range(_CHOICES):
        changed = [simple_cell(cell, choice) for cell in cells]
        if not any(map(_differ, changed, cells)) or attempt(changed):
            return frame
    for row in range(len(cells)) if 1 < len(cells) <= MAX_ROWS else ():
        for choice in range(_CHOICES):
            simple = simple_cell(cells[row], choice)
            if not _differ(simple, cells[row]) or attempt([*cells[:row], simple, *cells[row + 1 :]]):
                break
    return frame


def simple_cell(cell: Any, choice: int) -> Any:
    """Return a simple cell of the type of another: null, zero and one for the choices 0, 1 and 2.

    A type without a zero has only null.
    """
    if is_missing(cell):
        return cell
    if choice == 0:
        return None
    if isinstance(cell, dt.date):
        return _simple_day(cell)
    return next((simple[choice - 1] for kinds, simple in _SIMPLE if isinstance(cell, kinds)), None)


def _simple_day(day: dt.date) -> dt.date:
    if isinstance(day, pd.Timestamp):
        return pd.Timestamp(2000, 1, 1, tz=day.tz)
    if isinstance(day, dt.datetime):
        return dt.datetime(2000, 1, 1, tzinfo=day.tzinfo)
    return dt.date(2000, 1, 1)


def _differ(left: Any, right: Any) -> bool:
    if left is right:
        return False
    return type(left) is not type(right) or not np.array_equal(left, right)

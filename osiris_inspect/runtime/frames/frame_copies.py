"""Copies of frames, so that the store and its consumers cannot see each other's changes."""

import copy
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from osiris_inspect.runtime.frames.conversion.arrow_types import table_to_pandas


def store_copy(frame: pd.DataFrame | pa.Table) -> pd.DataFrame | pa.Table:
    """Return the frame that the store keeps; later changes by the driver do not affect it."""
    if isinstance(frame, pa.Table):
        return frame
    return frame.copy(deep=not _COPY_ON_WRITE)


def consumer_copy(frame: pd.DataFrame | pa.Table | None, object_columns: Iterable[int]) -> pd.DataFrame:
    """Return a copy of the frame for one consumer, whose changes no other consumer sees.

    ``object_columns`` are the positions of the columns of Python objects, whose cells may be mutable.
    """
    if isinstance(frame, pa.Table):
        return table_to_pandas(frame)
    assert frame is not None  # noqa: S101 - only called for a frame in memory
    copied = frame.copy(deep=not _COPY_ON_WRITE)
    for position in object_columns:
        column = frame.iloc[:, position]
        if _has_mutable_cells(column):
            copied.isetitem(position, _deep_copy(column))
    return copied


def _has_mutable_cells(column: Any) -> bool:
    return not set(map(type, column.array)).isdisjoint(_MUTABLE_TYPES)


def _deep_copy(column: Any) -> Any:
    cells = (copy.deepcopy(cell) if type(cell) in _MUTABLE_TYPES else cell for cell in column.array)
    return pd.Series(np.fromiter(cells, dtype=object), dtype=object).array


_COPY_ON_WRITE = int(pd.__version__.partition(".")[0]) >= 3
_MUTABLE_TYPES = frozenset({list, dict, set, bytearray, np.ndarray})

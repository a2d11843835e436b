"""Whose a frame is: the store's own, and each consumer's own. Nobody sees what another writes."""

import copy
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from osiris_inspect.runtime.frames.conversion import arrow_types as arrow_form


def store_copy(frame: pd.DataFrame | pa.Table) -> pd.DataFrame | pa.Table:
    """The frame as the store keeps it: what its driver writes to it later does not reach the store."""
    if isinstance(frame, pa.Table):
        return frame
    return frame.copy(deep=not _COPY_ON_WRITE)


def consumer_copy(frame: pd.DataFrame | pa.Table | None, objects: Iterable[int]) -> pd.DataFrame:
    """The frame for one consumer: what it writes, no other consumer sees.

    ``objects`` are the places of the columns of Python objects, some of which can be written to.
    """
    if isinstance(frame, pa.Table):
        return arrow_form.table_to_pandas(frame)
    assert frame is not None  # noqa: S101 - a frame in memory is there
    lent = frame.copy(deep=not _COPY_ON_WRITE)
    for place in objects:
        column = frame.iloc[:, place]
        if _has_mutable_cells(column):
            lent.isetitem(place, _deep_copy(column))
    return lent


def _has_mutable_cells(column: Any) -> bool:
    return not set(map(type, column.array)).isdisjoint(_MUTABLE_TYPES)


def _deep_copy(column: Any) -> Any:
    cells = (copy.deepcopy(cell) if type(cell) in _MUTABLE_TYPES else cell for cell in column.array)
    return pd.Series(np.fromiter(cells, dtype=object), dtype=object).array


_COPY_ON_WRITE = int(pd.__version__.partition(".")[0]) >= 3
_MUTABLE_TYPES = frozenset({list, dict, set, bytearray, np.ndarray})

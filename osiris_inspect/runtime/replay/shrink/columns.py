"""Columns of pandas and Arrow frames as series, their cells, and frames with other cells of the same types."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.types import is_object_dtype

from osiris_inspect.runtime.frames.frame_part import Frame


class CellsRefused(ValueError):
    """Cells that the type of a column cannot have."""


def column_names(frame: Frame) -> list[str]:
    """Return the name of each column as text."""
    return [str(name) for name in (frame.column_names if isinstance(frame, pa.Table) else frame.columns)]


def column_series(frame: Frame, position: int) -> "pd.Series[Any]":
    """Return a column as a series; one of an Arrow table has an Arrow type."""
    if isinstance(frame, pa.Table):
        return pd.Series(pd.arrays.ArrowExtensionArray(frame.column(position)))
    return frame.iloc[:, position]


def cells_of(column: "pd.Series[Any]") -> list[Any]:
    """Return the cells of a column as Python or NumPy values; None for a missing one of an Arrow column."""
    if isinstance(column.dtype, pd.ArrowDtype):
        cells: list[Any] = pa.chunked_array(column.array.__arrow_array__()).to_pylist()
        return cells
    return list(column.array)


def is_missing(cell: Any) -> bool:
    """Return True if a cell is null, NaN or NaT."""
    return cell is None or (pd.api.types.is_scalar(cell) and bool(pd.isna(cell)))


def with_cells(column: "pd.Series[Any]", cells: Sequence[Any]) -> "pd.Series[Any]":
    """Return a column of the same type with other cells; categories are those of the cells, in the old order.

    Raises:
        CellsRefused: the type cannot have them.
    """
    dtype = column.dtype
    try:
        if isinstance(dtype, pd.ArrowDtype):
            array: Any = pd.arrays.ArrowExtensionArray(pa.array(cells, type=dtype.pyarrow_dtype))
        elif isinstance(dtype, pd.CategoricalDtype):
            array = _categorical(column, cells, dtype)
        elif is_object_dtype(dtype):
            array = np.fromiter(cells, dtype=object, count=len(cells))
        else:
            array = pd.Series(list(cells), dtype=dtype).array
        changed = pd.Series(array, index=column.index, name=column.name, copy=False)
    except (ValueError, TypeError, OverflowError, NotImplementedError, pa.ArrowException) as error:
        raise CellsRefused(str(error)) from error
    if changed.dtype != dtype and not isinstance(dtype, pd.CategoricalDtype):
        raise CellsRefused(f"{dtype} became {changed.dtype}")
    return changed


def _categorical(
    column: "pd.Series[Any]", cells: Sequence[Any], dtype: pd.CategoricalDtype
) -> pd.Categorical:
    order = np.argsort(column.cat.codes.to_numpy(), kind="stable")
    categories = dict.fromkeys(cells[position] for position in order if not is_missing(cells[position]))
    values = pd.Index(list(categories), dtype=dtype.categories.dtype)
    return pd.Categorical(list(cells), categories=values, ordered=dtype.ordered)


def replace_columns(frame: Frame, columns: Mapping[int, "pd.Series[Any]"]) -> Frame:
    """Return a frame with other columns at some positions."""
    if isinstance(frame, pa.Table):
        for position, column in columns.items():
            values = column.array.__arrow_array__()
            frame = frame.set_column(position, frame.schema.field(position), values)
        return frame
    frame = frame.copy()
    for position, column in columns.items():
        frame.isetitem(position, column.array)
    return frame

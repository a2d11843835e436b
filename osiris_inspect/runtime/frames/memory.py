"""Sizes of frames in memory, and release of freed memory to the system."""

import ctypes
import gc
from collections.abc import Iterable
from typing import Any

import pandas as pd
import pyarrow as pa


def frame_bytes(frame: Any) -> int:
    """Return the bytes of a frame or Arrow table; 0 for any other value."""
    if isinstance(frame, pd.DataFrame):
        return columns_bytes(frame.index, (column.array for _, column in frame.items()))
    if isinstance(frame, pa.Table | pa.RecordBatch):
        return int(frame.nbytes)
    return 0


def columns_bytes(index: pd.Index, columns: Iterable[Any]) -> int:
    """Return the bytes of a pandas frame's index and columns.

    ``frame.memory_usage`` fails for column names that are not UTF-8.
    """
    return int(index.memory_usage(deep=True)) + sum(map(_values_bytes, columns))


def _values_bytes(values: Any) -> int:
    if hasattr(values, "memory_usage"):  # includes categories and text objects
        return int(values.memory_usage(deep=True))
    if values.dtype == object:
        return int(pd.Series(values, dtype=object, copy=False).memory_usage(index=False, deep=True))
    return int(values.nbytes)


def release_free_memory() -> None:
    """Return freed memory to the system; otherwise the process keeps most of a dropped frame."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:  # only glibc has it
        trim(0)

"""What frames weigh, and giving their memory back."""

import ctypes
import gc
from collections.abc import Iterable
from typing import Any

import pandas as pd
import pyarrow as pa


def frame_bytes(frame: Any) -> int:
    """Bytes a frame (or Arrow table) holds; 0 for what is neither."""
    if isinstance(frame, pd.DataFrame):
        return columns_bytes(frame.index, (column.array for _, column in frame.items()))
    if isinstance(frame, pa.Table | pa.RecordBatch):
        return int(frame.nbytes)
    return 0


def columns_bytes(index: pd.Index, columns: Iterable[Any]) -> int:
    """Bytes a pandas frame holds, by its index and the values of its columns.

    Not ``frame.memory_usage``: it fails for names of columns that are no UTF-8, and costs more than a small frame.
    """
    return int(index.memory_usage(deep=True)) + sum(map(_size_of_values, columns))


def _size_of_values(values: Any) -> int:
    if hasattr(values, "memory_usage"):  # of categories, with the categories; of text, with its objects
        return int(values.memory_usage(deep=True))
    if values.dtype == object:
        return int(pd.Series(values, dtype=object, copy=False).memory_usage(index=False, deep=True))
    return int(values.nbytes)


def release_free_memory() -> None:
    """Returns what was freed to the system; without it a process keeps most of a frame it has dropped."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:  # only glibc has it
        trim(0)

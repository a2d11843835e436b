"""What frames weigh, and giving their memory back."""

import ctypes
import gc
from typing import Any

import pandas as pd
import pyarrow as pa


def size_of(frame: Any) -> int:
    """Bytes a frame (or Arrow table) holds; 0 for what is neither."""
    if isinstance(frame, pd.DataFrame):
        # one by one: frame.memory_usage fails for names of columns that are no UTF-8
        columns = (
            frame.iloc[:, place].memory_usage(index=False, deep=True) for place in range(frame.shape[1])
        )
        return int(frame.index.memory_usage(deep=True)) + sum(map(int, columns))
    if isinstance(frame, pa.Table | pa.RecordBatch):
        return int(frame.nbytes)
    return 0


def give_back() -> None:
    """Returns what was freed to the system; without it a process keeps most of a frame it has dropped."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:  # only glibc has it
        trim(0)

"""What frames weigh, and giving their memory back."""

import ctypes
import gc
from typing import Any

import pandas as pd
import pyarrow as pa


def size_of(frame: Any) -> int:
    """Bytes a frame (or Arrow table) holds; 0 for what is neither."""
    if isinstance(frame, pd.DataFrame):
        return int(frame.memory_usage(index=True, deep=True).sum())
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

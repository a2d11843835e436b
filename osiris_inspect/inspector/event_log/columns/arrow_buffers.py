"""numpy arrays from Arrow ones and back, without the functions of Arrow that import pandas (0.25 s)."""

from typing import Any

import numpy as np
import pyarrow as pa

from osiris_inspect.inspector.event_log.index.vectorized import IntArray, Mask, Numbers


def numbers(column: "pa.Array") -> "np.ndarray[Any, Any]":
    """Return the numbers of a column, any number for a null."""
    kind = {"int64": np.int64, "double": np.float64}[str(column.type)]
    return np.frombuffer(column.buffers()[1], kind, len(column), column.offset * 8)


def booleans(column: "pa.Array") -> Mask:
    """Return the values of a column of booleans without nulls."""
    return _bits(column.buffers()[1], column)


def valid(column: "pa.Array") -> Mask:
    """Return which values of a column are not null."""
    bits = column.buffers()[0]
    return np.ones(len(column), bool) if bits is None else _bits(bits, column)


def number_column(values: "np.ndarray[Any, Any]", is_valid: Mask | None = None) -> "pa.Array":
    """Return numbers as a column; those that are not valid are null."""
    kind = pa.float64() if values.dtype == np.float64 else pa.int64()
    bits = None if is_valid is None else pa.py_buffer(np.packbits(is_valid, bitorder="little"))
    return pa.Array.from_buffers(kind, len(values), [bits, pa.py_buffer(np.ascontiguousarray(values))])


def boolean_column(values: Mask) -> "pa.Array":
    """Return booleans as a column."""
    bits = pa.py_buffer(np.packbits(values, bitorder="little"))
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, bits])


def text_column(offsets: IntArray, raw: Any) -> "pa.Array":
    """Return texts as a column: each ends where the next begins, at an offset of 32 bits."""
    return pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(raw))


def take(column: "pa.Array", rows: Numbers, is_valid: Mask) -> "pa.Array":
    """Return some rows of a column; those that are not valid are null."""
    if column.null_count == len(column) or not len(rows):
        return pa.nulls(len(rows), column.type)
    if str(column.type) == "string":
        return column.take(number_column(rows, is_valid))
    return number_column(
        numbers(column)[np.where(is_valid, rows, 0)], is_valid & valid(column)[np.where(is_valid, rows, 0)]
    )


def _bits(bits: Any, column: "pa.Array") -> Mask:
    count = column.offset + len(column)
    return np.unpackbits(np.frombuffer(bits, np.uint8), count=count, bitorder="little")[
        column.offset :
    ].astype(bool)

"""Integers, floats and other values of a column of JSON texts, told apart by their bytes: casts of DuckDB take as long as parsing."""

from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from osiris_inspect.inspector.event_log.columns import arrow_buffers
from osiris_inspect.inspector.event_log.index.vectorized import IntArray, Mask

_MAX_DIGITS: Final = 17
"""Characters of an integer that surely has 64 bits."""


class JsonValues(NamedTuple):
    """The values of a column of JSON.

    Attributes:
        integers, reals: values that are 64-bit integers or finite floats; else null.
        texts: all other values as JSON; null for a number, for ``null`` and for no value.
        is_missing: True where there is no value.
    """

    integers: pa.Array
    reals: pa.Array
    texts: pa.Array
    is_missing: Mask


def split_values(column: pa.Array) -> JsonValues:
    """Return the values of a column of valid JSON without leading spaces."""
    is_valid = arrow_buffers.valid(column)
    offsets, data = _bytes(column)
    lengths = np.diff(offsets)
    first, second = (_bytes_at(data, offsets[:-1] + place) for place in (0, 1))
    is_negative = (first == ord("-")) & (second != ord("I"))  # -Infinity
    is_number = is_valid & (((first >= ord("0")) & (first <= ord("9"))) | is_negative)
    is_text = is_valid & ~is_number & (first != ord("n"))  # no other JSON begins like null
    has_point = _rows_with(data, offsets, b".eE") if is_number.any() else np.zeros(len(column), bool)
    is_negative_zero = (lengths == 2) & is_negative & (second == ord("0"))
    is_integer = is_number & ~has_point & (lengths <= _MAX_DIGITS) & ~is_negative_zero
    reals, is_real = _reals(column, is_number & has_point)
    return JsonValues(
        _integers(column, is_integer),
        reals,
        _texts(column, is_text | (is_number & ~is_integer & ~is_real)),
        ~is_valid,
    )


def _bytes(column: pa.Array) -> tuple[IntArray, IntArray]:
    """Return the offsets and the bytes of the texts of a column."""
    _, offsets, data = column.buffers()
    starts = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    if data is None or not len(starts) or starts[-1] == starts[0]:
        return np.zeros(len(column) + 1, np.int32), np.empty(0, np.uint8)
    return starts - starts[0], np.frombuffer(data, np.uint8)[starts[0] : starts[-1]]


def _bytes_at(data: IntArray, positions: IntArray) -> IntArray:
    """Return the bytes at some positions, any byte beyond the end."""
    return data[np.minimum(positions, len(data) - 1)] if len(data) else np.zeros(len(positions), np.uint8)


def _rows_with(data: IntArray, offsets: IntArray, signs: bytes) -> Mask:
    """Return which texts contain one of some bytes."""
    is_sign = data == signs[0]
    for sign in signs[1:]:
        is_sign |= data == sign
    rows = np.zeros(len(offsets) - 1, bool)
    rows[np.searchsorted(offsets, np.flatnonzero(is_sign), side="right") - 1] = True
    return rows


def _integers(column: pa.Array, is_integer: Mask) -> pa.Array:
    rows = np.flatnonzero(is_integer)
    if not len(rows):
        return pa.nulls(len(column), pa.int64())
    if len(rows) == len(column):
        return column.cast(pa.int64())
    numbers = np.zeros(len(column), np.int64)
    numbers[rows] = arrow_buffers.numbers(column.take(arrow_buffers.number_column(rows)).cast(pa.int64()))
    return arrow_buffers.number_column(numbers, is_integer)


def _reals(column: pa.Array, is_real: Mask) -> tuple[pa.Array, Mask]:
    """Return the floats, and where they are: without those that are beyond the largest one."""
    rows = np.flatnonzero(is_real)
    if not len(rows):
        return pa.nulls(len(column), pa.float64()), is_real
    taken = column if len(rows) == len(column) else column.take(arrow_buffers.number_column(rows))
    try:
        parsed = arrow_buffers.numbers(taken.cast(pa.float64()))
    except pa.ArrowInvalid:  # beyond the largest float
        parsed = np.array([float(text) for text in taken.to_pylist()], np.float64)
    numbers, is_finite = np.zeros(len(column), np.float64), np.zeros(len(column), bool)
    numbers[rows], is_finite[rows] = parsed, np.isfinite(parsed)
    return arrow_buffers.number_column(numbers, is_finite), is_finite


def _texts(column: pa.Array, is_text: Mask) -> pa.Array:
    if not is_text.any():
        return pa.nulls(len(column), pa.string())
    _, offsets, data = column.buffers()
    bits = np.zeros(column.offset + len(column), bool)
    bits[column.offset :] = is_text
    validity = pa.py_buffer(np.packbits(bits, bitorder="little"))
    return pa.Array.from_buffers(column.type, len(column), [validity, offsets, data], offset=column.offset)

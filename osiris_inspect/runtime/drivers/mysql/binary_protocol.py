"""Rows of MySQL's binary protocol, the one of prepared statements, as columns, many rows at a time.

The server writes no value as text, which takes more than half of its time for the text protocol. A row is a zero byte, a
bit per column that is set for NULL, and the other values: numbers of a fixed width, dates and times as a length and their
parts, everything else as in the text protocol.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from pymysql.constants import FIELD_TYPE

from osiris_inspect.runtime.drivers.mysql.binary_times import date_array, time_array
from osiris_inspect.runtime.drivers.mysql.types import MysqlColumn
from osiris_inspect.runtime.drivers.mysql.wire_protocol import (
    Array,
    Block,
    ReadBytes,
    ResultEnd,
    StreamEnded,
    blocks,
    take_bytes,
    value_ranges,
)

_DECIMALS_NOT_FIXED: Final = 31
_NUMBERS: Final = frozenset(
    {
        FIELD_TYPE.TINY,
        FIELD_TYPE.SHORT,
        FIELD_TYPE.YEAR,
        FIELD_TYPE.INT24,
        FIELD_TYPE.LONG,
        FIELD_TYPE.LONGLONG,
        FIELD_TYPE.FLOAT,
        FIELD_TYPE.DOUBLE,
    }
)
_CLOCK: Final = [("hour", "u1"), ("minute", "u1"), ("second", "u1"), ("micros", "<u4")]
_DATE: Final = np.dtype([("length", "u1"), ("year", "<u2"), ("month", "u1"), ("day", "u1"), *_CLOCK])
_TIME: Final = np.dtype([("length", "u1"), ("is_negative", "u1"), ("days", "<u4"), *_CLOCK])
_PARTS: Final = {
    FIELD_TYPE.DATE: (_DATE, date_array),
    FIELD_TYPE.NEWDATE: (_DATE, date_array),
    FIELD_TYPE.DATETIME: (_DATE, date_array),
    FIELD_TYPE.TIMESTAMP: (_DATE, date_array),
    FIELD_TYPE.TIME: (_TIME, time_array),
}
"""Type to the parts of its values, of which the last may be left out, and the function that makes the column."""
_FIRST_BIT: Final = 2
"""The bit of the first column; the two before it are reserved."""
_PADDING: Final = bytes(_TIME.itemsize)
"""Bytes after the last row, so that all parts can be read of each value."""


@dataclass(frozen=True, slots=True)
class _Values:
    """Values of a column in a block of rows.

    Attributes:
        block: the bytes of the rows.
        offsets: the first byte of each value; for NULL, that of the next one.
        is_null: which values are NULL; None if none are.
    """

    block: Block
    offsets: Array
    is_null: Array | None

    def read(self, dtype: Any) -> Array:
        """Return the bytes at each offset as values of a type."""
        size = np.dtype(dtype).itemsize
        at_each_byte = np.ndarray((len(self.block) - size + 1,), f"V{size}", self.block, strides=(1,))
        return at_each_byte[self.offsets].view(dtype)

    def or_0(self, numbers: Any) -> Any:
        """Return the numbers, and 0 for NULL."""
        return numbers if self.is_null is None else np.where(self.is_null, 0, numbers)


def read_columns(read: ReadBytes, columns: Sequence[MysqlColumn], end: ResultEnd) -> Iterator[list[pa.Array]]:
    """Yield the rows of a result in batches; set ``end`` after the last one.

    Numbers, dates and times have the types of their columns; a column with a date that no calendar has is text, and
    everything else has the bytes of the text protocol.

    Raises:
        ServerErrorPacket: the server reported an error.
        StreamEnded: the connection was lost.
    """
    for block, starts in blocks(read, end, max_first_byte=0):
        yield list(_columns(block, starts, columns))


def _columns(rows: Block, starts: Array, columns: Sequence[MysqlColumn]) -> Iterator[pa.Array]:
    block = rows + _PADDING
    data = np.frombuffer(block, dtype=np.uint8)
    flag_offsets, offsets = starts + 1, starts + 1 + (len(columns) + 9) // 8
    flags = data[flag_offsets]
    for bit, column in enumerate(columns, start=_FIRST_BIT):
        if offsets.max() > len(rows):
            raise StreamEnded  # the value would be beyond the block
        if bit % 8 == 0:
            flags = data[flag_offsets + bit // 8]
        is_null = (flags & (1 << bit % 8)) != 0
        array, offsets = _decode(_Values(block, offsets, is_null if is_null.any() else None), column)
        yield array
    if offsets.max() > len(rows):
        raise StreamEnded


def _decode(values: _Values, column: MysqlColumn) -> tuple[pa.Array, Array]:
    """Return the values, and the offsets after them."""
    code = column.field.type_code
    if code in _NUMBERS:
        return _numbers(values, column)
    if code in _PARTS:
        layout, to_array = _PARTS[code]
        parts = _parts(values, layout)
        end = values.offsets + values.or_0(parts["length"].astype(np.int64) + 1)
        return to_array(parts, values.is_null, column), end
    if code == FIELD_TYPE.NULL:
        return pa.nulls(len(values.offsets)), values.offsets
    return _bytes(values)


def _numbers(values: _Values, column: MysqlColumn) -> tuple[pa.Array, Array]:
    kind, field = column.type.to_pandas_dtype(), column.field
    numbers = values.read(np.int8 if kind is np.bool_ else kind)
    end = values.offsets + values.or_0(numbers.itemsize)
    if field.type_code == FIELD_TYPE.DOUBLE and field.scale < _DECIMALS_NOT_FIXED:
        numbers = np.array([float(f"{number:.{field.scale}f}") for number in numbers.tolist()])
    return pa.array(numbers.astype(kind, copy=False), mask=values.is_null), end


def _parts(values: _Values, layout: Any) -> dict[str, Array]:
    """Return the parts of dates or times: 0 for those left out, and for NULL."""
    records = values.read(layout)
    length = values.or_0(records["length"])
    shortest = length.min()
    parts = {"length": length}
    for name in layout.names[1:]:
        kind, begin = layout.fields[name][:2]
        last = begin + kind.itemsize - 1
        parts[name] = records[name] if shortest >= last else np.where(length >= last, records[name], 0)
    return parts


def _bytes(values: _Values) -> tuple[pa.Array, Array]:
    begin, length, _ = value_ranges(np.frombuffer(values.block, dtype=np.uint8), values.offsets)
    if values.is_null is not None:
        begin = np.where(values.is_null, values.offsets, begin)
    end = begin + values.or_0(length)
    return take_bytes(pa.py_buffer(values.block), begin, end, values.is_null), end

"""Storage types: the Arrow types for which DuckDB gives the same answer from memory and from Parquet.

With DuckDB 2.0, second and millisecond timestamps have other types in memory than in a file, durations in a
file are numbers, float16 and long decimals cannot be read from memory, and fixed-size lists come back as
plain lists.
"""

import base64
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.types as kinds

from osiris_inspect.model.errors import DriverError

ROWS_PER_SLICE = 131_072
"""Most rows processed at a time, and of a Parquet row group."""
BYTES_PER_SLICE = 32 << 20
"""Most bytes of a slice, estimated from a sample of the rows."""
_WIDE_ROW = 4096
_BYTES_OF_WIDE_ROWS = 4 << 20
"""Most bytes of a slice of rows of more than 4 KiB, of which Arrow makes several copies."""

_SAMPLED_ROWS = 16


def rows_per_slice(total: int, bytes_of: Callable[["np.ndarray[Any, Any]"], int]) -> int:
    """Return the rows of a slice of ``total`` rows; ``bytes_of`` returns the bytes of the rows at some positions."""
    if total <= _SAMPLED_ROWS:
        return ROWS_PER_SLICE
    positions = np.linspace(0, total - 1, _SAMPLED_ROWS, dtype="i8")
    return rows_of_width(bytes_of(positions) // _SAMPLED_ROWS)


def rows_of_width(width: int) -> int:
    """Return the rows of a slice of rows of ``width`` bytes."""
    size = BYTES_PER_SLICE if width <= _WIDE_ROW else _BYTES_OF_WIDE_ROWS
    return max(1, min(ROWS_PER_SLICE, size // max(1, width)))


TEXT_TYPE = pa.dictionary(pa.int32(), pa.string())
"""Text with few distinct values; Parquet returns such columns in this type."""


def storage_type(kind: pa.DataType) -> pa.DataType | None:
    """Return the type in which columns of type ``kind`` are stored; None if they are stored as JSON."""
    if kinds.is_dictionary(kind):
        inner = storage_type(kind.value_type)
        return TEXT_TYPE if inner == pa.large_string() else inner
    if kinds.is_run_end_encoded(kind):
        return storage_type(kind.value_type)
    if kinds.is_list(kind) or kinds.is_large_list(kind) or kinds.is_fixed_size_list(kind):
        inner = _inner_storage(kind.value_type)
        return None if inner is None else pa.list_(inner)
    if kinds.is_struct(kind):
        fields = {field.name: _inner_storage(field.type) for field in kind}
        is_stored = fields and None not in fields.values() and len(fields) == kind.num_fields
        return pa.struct(list(fields.items())) if is_stored else None
    if kinds.is_map(kind):
        key, item = _inner_storage(kind.key_type), _inner_storage(kind.item_type)
        return None if key is None or item is None else pa.map_(key, item)
    return _flat_storage(kind)


def _inner_storage(kind: pa.DataType) -> pa.DataType | None:
    """Return the stored type of values inside others; None if a cast does not convert them to it and back."""
    if kind in _NOT_INSIDE or kinds.is_dictionary(kind) or kinds.is_run_end_encoded(kind):
        return None
    return storage_type(kind)


def _flat_storage(kind: pa.DataType) -> pa.DataType | None:
    if kinds.is_timestamp(kind):
        return pa.timestamp("ns" if kind.unit == "ns" else "us", kind.tz)
    if kinds.is_time(kind):
        return pa.time64("ns" if kind.unit == "ns" else "us")
    if kinds.is_decimal(kind):
        return pa.decimal128(kind.precision, kind.scale) if kind.precision <= 38 else None
    if kinds.is_string(kind) or kinds.is_string_view(kind):
        return pa.large_string()
    if kinds.is_binary(kind) or kinds.is_binary_view(kind) or kinds.is_fixed_size_binary(kind):
        return pa.large_binary()
    return _OTHER_STORAGE.get(kind, kind if kind in _UNCHANGED else None)


_UNCHANGED = {
    *(pa.bool_(), pa.null(), pa.date32(), pa.float32(), pa.float64(), pa.large_string(), pa.large_binary()),
    *(pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
}
INTERVAL_TYPE: Final = pa.struct([("months", pa.int32()), ("days", pa.int32()), ("nanoseconds", pa.int64())])
"""Stored form of an interval of months, days and nanoseconds."""
_INTERVAL_BYTES: Final = np.dtype([("months", "<i4"), ("days", "<i4"), ("nanoseconds", "<i8")])
_OTHER_STORAGE = {
    pa.month_day_nano_interval(): INTERVAL_TYPE,
    pa.float16(): pa.float32(),
    pa.date64(): pa.timestamp("us"),
    **{pa.duration(unit): pa.int64() for unit in ("s", "ms", "us", "ns")},
}
_NOT_INSIDE = {
    pa.month_day_nano_interval(),
    pa.date64(),
    *(pa.duration(unit) for unit in ("s", "ms", "us", "ns")),
}


def to_storage(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return ``array`` in its storage type ``kind``."""
    if array.type == kind:
        return array
    if kinds.is_dictionary(array.type) and not kinds.is_dictionary(kind):
        array = array.dictionary_decode()
    if kinds.is_run_end_encoded(array.type):
        array = pa.compute.run_end_decode(array)
    if kinds.is_date64(array.type):
        array = array.cast(pa.timestamp("ms"))
    return _split_intervals(array) if kind == INTERVAL_TYPE and array.type != kind else array.cast(kind)


def _split_intervals(array: pa.Array) -> pa.Array:
    parts = np.frombuffer(array.buffers()[1] or b"", _INTERVAL_BYTES)[
        array.offset : array.offset + len(array)
    ]
    names = _INTERVAL_BYTES.names or ()
    return pa.StructArray.from_arrays(
        [pa.array(np.ascontiguousarray(parts[name])) for name in names],
        fields=list(INTERVAL_TYPE),
        mask=array.is_null(),
    )


def _join_intervals(array: pa.Array) -> pa.Array:
    parts = np.zeros(len(array), _INTERVAL_BYTES)
    for name in _INTERVAL_BYTES.names or ():
        parts[name] = array.field(name).fill_null(0).to_numpy(zero_copy_only=False)
    valid = array.is_valid()
    whole = pa.Array.from_buffers(
        pa.month_day_nano_interval(), len(array), [None, pa.py_buffer(parts.tobytes())]
    )
    return pa.compute.if_else(valid, whole, pa.scalar(None, pa.month_day_nano_interval()))


def from_storage(array: Any, kind: pa.DataType) -> Any:
    """Return a stored column in its original type ``kind``."""
    if array.type == kind:
        return array
    if kinds.is_run_end_encoded(kind):
        return pa.compute.run_end_encode(array.cast(kind.value_type), kind.run_end_type)
    if kinds.is_dictionary(kind):
        plain = array.cast(kind.value_type)
        return plain.dictionary_encode().cast(kind)
    if kinds.is_date64(kind):
        return array.cast(pa.timestamp("ms")).cast(kind)
    if kind == pa.month_day_nano_interval():
        return _join_intervals(single_array(array))
    return array.cast(kind)


def single_array(values: Any) -> pa.Array:
    """Return a chunked array as one array; copies only if it has several chunks."""
    if isinstance(values, pa.ChunkedArray):
        return values.chunk(0) if values.num_chunks == 1 else values.combine_chunks()
    return values


def type_to_text(kind: pa.DataType) -> str:
    """Return a type as text for ``type_from_text``."""
    return base64.b64encode(pa.schema([pa.field("x", kind)]).serialize()).decode()


def type_from_text(text: str) -> pa.DataType:
    """Return the type that ``type_to_text`` wrote."""
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text))).field(0).type


def table_to_pandas(table: pa.Table) -> pd.DataFrame:
    """Return a driver's table as a DataFrame; integers and booleans with gaps keep their type.

    Raises:
        DriverError: pandas cannot represent a value; the message names the column.
    """
    # unique names, because pandas would merge the types of columns with the same name
    renamed = table.rename_columns([str(position) for position in range(table.num_columns)])
    try:
        frame = _to_pandas(renamed)
    except MemoryError:  # also an Arrow exception
        raise
    except _CONVERSION_ERRORS as error:
        raise _conversion_error(table, error) from error
    for position, field in enumerate(table.schema):
        column = table.column(position)
        dtype = _NULLABLE.get(field.type)
        if dtype is not None and column.null_count:
            frame.isetitem(position, dtype.__from_arrow__(column))
    if table.num_columns:
        frame.columns = pd.Index(table.column_names)
    return frame


_CONVERSION_ERRORS = (ValueError, TypeError, OverflowError, LookupError, pa.ArrowException)
"""Errors of Arrow's conversion; a type that it does not know is a KeyError."""


def _to_pandas(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas(
        types_mapper=None, split_blocks=True, ignore_metadata=True, strings_to_categorical=False
    )
    return frame


def _conversion_error(table: pa.Table, error: Exception) -> DriverError:
    for name, column in zip(table.column_names, table.columns, strict=True):
        try:
            _to_pandas(pa.table({"0": column}))
        except _CONVERSION_ERRORS as reason:
            name_of_type = type_name(column.type)
            detail = "" if isinstance(reason, LookupError) else f": {reason}"
            return DriverError(
                f"pandas cannot represent a value of column {name!r} of type {name_of_type}{detail}",
                kind="value-not-convertible",
                fix="cast the column to text or leave it out",
                column=name,
                type=name_of_type,
            )
    return DriverError(
        f"pandas cannot represent these columns together: {error}",
        kind="value-not-convertible",
        fix="cast the columns to text or leave some out",
        columns=table.column_names,
    )


def type_name(kind: pa.DataType) -> str:
    """Return the name of a type for messages; a database's own type has the name that the database uses."""
    return kind.type_name.upper() if isinstance(kind, pa.OpaqueType) else str(kind)


_NULLABLE: dict[Any, Any] = {
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}

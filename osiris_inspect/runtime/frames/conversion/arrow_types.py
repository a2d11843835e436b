"""The normal form of Arrow types: what DuckDB answers the same for, from memory and from Parquet.

Measured with DuckDB 2.0: seconds and milliseconds are other types in memory than from a file, durations are a
number from a file, half floats and long decimals cannot be read from memory, lists of a fixed size come back as plain ones.
"""

import base64
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.types as kinds

from osiris_inspect.model.errors import DriverError

ROWS_PER_SLICE = 131_072
"""Rows that are worked on at a time, and the size of a row group."""

TEXT_TYPE = pa.dictionary(pa.int32(), pa.string())
"""Text of few different values; the type in which Parquet gives such columns back."""


def storage_type(kind: pa.DataType) -> pa.DataType | None:
    """The type under which columns of type ``kind`` are kept; None where only text (JSON) will do."""
    if kinds.is_dictionary(kind):
        return _of_dictionary(kind)
    if kinds.is_run_end_encoded(kind):
        return storage_type(kind.value_type)
    if kinds.is_list(kind) or kinds.is_large_list(kind) or kinds.is_fixed_size_list(kind):
        inner = storage_type(kind.value_type)
        return None if inner is None or inner != kind.value_type else pa.list_(inner)
    if kinds.is_struct(kind):
        whole = kind.num_fields and all(storage_type(field.type) == field.type for field in kind)
        return kind if whole else None
    if kinds.is_map(kind):
        whole = (
            storage_type(kind.key_type) == kind.key_type and storage_type(kind.item_type) == kind.item_type
        )
        return kind if whole else None
    return _of_flat(kind)


def _of_dictionary(kind: pa.DataType) -> pa.DataType | None:
    inner = storage_type(kind.value_type)
    return TEXT_TYPE if inner == pa.large_string() else inner


def _of_flat(kind: pa.DataType) -> pa.DataType | None:
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
    return _FLAT.get(kind, kind if _is_kept(kind) else None)


def _is_kept(kind: pa.DataType) -> bool:
    return bool(
        kinds.is_boolean(kind)
        or kinds.is_integer(kind)
        or kinds.is_floating(kind)
        or kinds.is_date32(kind)
        or kinds.is_large_string(kind)
        or kinds.is_large_binary(kind)
        or kinds.is_null(kind)
    )


_FLAT = {
    pa.float16(): pa.float32(),
    pa.date64(): pa.timestamp("us"),
    **{pa.duration(unit): pa.int64() for unit in ("s", "ms", "us", "ns")},
}


def to_storage(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """``array`` in its normal type ``kind``."""
    if array.type == kind:
        return array
    if kinds.is_dictionary(array.type) and not kinds.is_dictionary(kind):
        array = array.dictionary_decode()
    if kinds.is_run_end_encoded(array.type):
        array = pa.compute.run_end_decode(array)
    if kinds.is_date64(array.type):
        array = array.cast(pa.timestamp("ms"))
    return array.cast(kind)


def from_storage(array: Any, kind: pa.DataType) -> Any:
    """A column of the normal form in the type ``kind`` that it had."""
    if array.type == kind:
        return array
    if kinds.is_run_end_encoded(kind):
        return pa.compute.run_end_encode(array.cast(kind.value_type), kind.run_end_type)
    if kinds.is_dictionary(kind):
        plain = array.cast(kind.value_type)
        return plain.dictionary_encode().cast(kind)
    if kinds.is_date64(kind):
        return array.cast(pa.timestamp("ms")).cast(kind)
    return array.cast(kind)


def single_array(values: Any) -> pa.Array:
    """A chunked array (or an array) as one array; copies only where there are several chunks."""
    if isinstance(values, pa.ChunkedArray):
        return values.chunk(0) if values.num_chunks == 1 else values.combine_chunks()
    return values


def type_to_text(kind: pa.DataType) -> str:
    """A type as text that ``read_type`` understands."""
    return base64.b64encode(pa.schema([pa.field("x", kind)]).serialize()).decode()


def type_from_text(text: str) -> pa.DataType:
    """The type that was written."""
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text))).field(0).type


def table_to_pandas(table: pa.Table) -> pd.DataFrame:
    """A pandas frame of a table that a driver gave: whole numbers and truth values with gaps keep their type.

    Raises:
        DriverError: pandas has no form for a value; the message names its column.
    """
    # by their places: of columns of one name pandas would take the types together
    placed = table.rename_columns([str(place) for place in range(table.num_columns)])
    try:
        frame = _to_pandas(placed)
    except _REFUSED as error:
        raise DriverError(_refused(table, error)) from error
    for place, field in enumerate(table.schema):
        column = table.column(place)
        dtype = _NULLABLE.get(field.type)
        if dtype is not None and column.null_count:
            frame.isetitem(place, dtype.__from_arrow__(column))
    if table.num_columns:
        frame.columns = pd.Index(table.column_names)
    return frame


_REFUSED = (ValueError, TypeError, OverflowError, pa.ArrowException)


def _to_pandas(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas(
        types_mapper=None, split_blocks=True, ignore_metadata=True, strings_to_categorical=False
    )
    return frame


def _refused(table: pa.Table, error: Exception) -> str:
    for name, column in zip(table.column_names, table.columns, strict=True):
        try:
            _to_pandas(pa.table({"0": column}))
        except _REFUSED as reason:
            held = f"column {name!r} of type {column.type} holds a value that a pandas frame cannot"
            return f"{held} ({reason}): cast it to text, or leave it out"
    return f"pandas cannot hold these columns together: {error}"


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

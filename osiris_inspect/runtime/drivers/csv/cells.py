"""Cells of a column as text for a CSV file, which reads as the same value.

========================  ==================================================================================
value                     text
========================  ==================================================================================
missing                   empty, or ``na_rep``
true, false               ``True``, ``False``
number                    the shortest digits that read as the same number, as Python writes them
date, timestamp, time     ISO 8601 with a space; a column of midnights is written as dates
duration, interval        ISO 8601: ``P1DT2H30M``
bytes                     base64, or hexadecimal
list, structure, map      JSON
========================  ==================================================================================
"""

import base64
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from osiris_inspect.runtime.frames.conversion.natural import Natural, json_texts
from osiris_inspect.runtime.frames.conversion.natural_cells import duration_text, iso_duration

BinaryForm = Literal["base64", "hex"]

TEXT: Final = pa.large_string()


def cell_texts(array: pa.Array, natural: Natural, binary: BinaryForm) -> pa.Array:
    """Return the cells of a column in natural form as text; null where a value is missing."""
    kind = array.type
    if kinds.is_large_string(kind):
        return array
    if natural.kind == "interval":
        return _texts(array, _interval_text)
    for is_kind, convert in _CONVERTERS:
        if is_kind(kind):
            return convert(array)
    if kinds.is_binary(kind) or kinds.is_large_binary(kind) or kinds.is_fixed_size_binary(kind):
        return _texts(array, _BINARY_FORMS[binary])
    return array.cast(TEXT)


def is_number(kind: pa.DataType) -> bool:
    """Return True for a column of numbers or truth values, which ``quoting: nonnumeric`` does not quote."""
    return bool(kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_boolean(kind))


def _texts(array: pa.Array, convert: Callable[[Any], str]) -> pa.Array:
    return pa.array([None if value is None else convert(value) for value in array.to_pylist()], TEXT)


def _truth_values(array: pa.Array) -> pa.Array:
    return pc.if_else(array, pa.scalar("True", TEXT), pa.scalar("False", TEXT))


def _floats(array: pa.Array) -> pa.Array:
    """Return numbers as Python writes them, which DuckDB does; Arrow omits ``.0``. NaN is a missing value."""
    column = pa.table({"x": pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)})
    texts = _connection().from_arrow(column).project("x::VARCHAR AS x").to_arrow_table()
    return texts.column(0).combine_chunks().cast(TEXT)


_OF_THREAD: Final = threading.local()
"""A connection refuses the calls of two threads at the same time."""


def _connection() -> duckdb.DuckDBPyConnection:
    connection: duckdb.DuckDBPyConnection | None = getattr(_OF_THREAD, "connection", None)
    if connection is None:
        connection = _OF_THREAD.connection = duckdb.connect(":memory:", config={"threads": 1})
    return connection


def _timestamps(array: pa.Array) -> pa.Array:
    if array.type.tz is not None:
        return _zoned(array)
    ticks = array.cast(pa.int64())
    for unit in ("day", "s", "ms", "us"):
        size = (
            _TICKS[array.type.unit] // _TICKS_PER[unit] if unit != "day" else 86_400 * _TICKS[array.type.unit]
        )
        if size and _are_multiples(ticks, size):
            return array.cast(pa.date32() if unit == "day" else pa.timestamp(unit)).cast(TEXT)
    return array.cast(TEXT)


_TICKS: Final = {"s": 1, "ms": 1000, "us": 1_000_000, "ns": 1_000_000_000}
_TICKS_PER: Final = {"s": 1, "ms": 1000, "us": 1_000_000}


def _are_multiples(ticks: pa.Array, size: int) -> bool:
    values = ticks.drop_null().to_numpy(zero_copy_only=False)
    return size == 1 or not np.any(values % size)


def _zoned(array: pa.Array) -> pa.Array:
    local = pc.local_timestamp(array)
    offsets = pc.subtract(local.cast(pa.int64()), array.cast(pa.int64())).dictionary_encode()
    per_second = _TICKS[array.type.unit]
    names = pa.array([_offset_text(value // per_second) for value in offsets.dictionary.to_pylist()], TEXT)
    return pc.binary_join_element_wise(
        _with_fraction(local), names.take(offsets.indices), pa.scalar("", TEXT)
    )


def _offset_text(seconds: int) -> str:
    """Return the offset of a zone; that of local mean time, before zones, has seconds."""
    hours, rest = divmod(abs(seconds), 3600)
    text = f"{'-' if seconds < 0 else '+'}{hours:02}:{rest // 60:02}"
    return f"{text}:{rest % 60:02}" if rest % 60 else text


def _with_fraction(array: pa.Array) -> pa.Array:
    """Return times or timestamps with the fraction of a second where there is one, in six or nine digits."""
    unit = array.type.unit
    if unit == "s":
        return array.cast(TEXT)
    whole_type, short_type = (
        (pa.timestamp("s"), pa.timestamp("us"))
        if kinds.is_timestamp(array.type)
        else (pa.time32("s"), pa.time64("us"))
    )
    ticks = array.cast(pa.int64() if array.type.bit_width == 64 else pa.int32()).cast(pa.int64())
    numbers = ticks.fill_null(0).to_numpy(zero_copy_only=False)
    texts = array.cast(short_type, safe=False).cast(TEXT)
    if unit == "ns":
        texts = pc.if_else(pa.array(numbers % 1000 == 0), texts, array.cast(TEXT))
    is_whole = pa.array(numbers % _TICKS[unit] == 0)
    return pc.if_else(is_whole, array.cast(whole_type, safe=False).cast(TEXT), texts)


def _interval_text(value: Mapping[str, int]) -> str:
    return iso_duration(value["days"], 0, value["nanoseconds"], value["months"])


_BINARY_FORMS: Final[Mapping[BinaryForm, Callable[[bytes], str]]] = {
    "base64": lambda value: base64.b64encode(value).decode(),
    "hex": bytes.hex,
}
_CONVERTERS: Final[Iterable[tuple[Callable[[pa.DataType], bool], Callable[[pa.Array], pa.Array]]]] = (
    (kinds.is_boolean, _truth_values),
    (kinds.is_floating, _floats),
    (kinds.is_timestamp, _timestamps),
    (kinds.is_time, _with_fraction),
    (kinds.is_duration, lambda array: _texts(array, duration_text)),
    (kinds.is_nested, json_texts),
)

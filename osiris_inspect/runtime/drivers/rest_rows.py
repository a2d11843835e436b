"""Rows as JSON for PostgREST: each value in the form PostgreSQL reads without loss."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from osiris_inspect.runtime.drivers import postgres_types
from osiris_inspect.runtime.drivers.postgres_types import Written

Values = Callable[[pa.Array], list[Any]]


def encode(table: pa.Table, dtypes: Mapping[str, str]) -> bytes:
    """A list of objects."""
    names = table.column_names
    columns = [
        _values(name, column.combine_chunks(), dtypes.get(name, ""))
        for name, column in zip(names, table.columns, strict=True)
    ]
    rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    return orjson.dumps(rows, option=orjson.OPT_NON_STR_KEYS, default=str)


def _values(name: str, array: Any, dtype: str) -> list[Any]:
    array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
    kind = array.type
    if kinds.is_nested(kind):
        return [_plain(value) for value in array.to_pylist()]
    if postgres_types.is_json(kind, dtype):
        return [None if value is None else orjson.loads(value) for value in array.to_pylist()]
    array = postgres_types.writer_of(Written(name, kind, dtype, ""))(array)
    if kinds.is_floating(array.type):
        return _numbers(array)
    if kinds.is_decimal(array.type) or kinds.is_temporal(array.type):
        array = array.cast(pa.large_string())
    found: list[Any] = array.to_pylist()
    return found


def _numbers(array: pa.Array) -> list[Any]:
    """Numbers; whole ones without a fraction, which columns of whole numbers refuse; NaN and infinity by name."""
    finite = pc.is_finite(array)
    if pc.all(finite).as_py() is False:
        names = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
        return [None if value is None else names.get(str(value), value) for value in array.to_pylist()]
    is_whole = pc.and_(pc.equal(pc.round(array), array), pc.less(pc.abs(array), 2.0**53))
    found: list[Any] = (array.cast(pa.int64()) if pc.all(is_whole).as_py() else array).to_pylist()
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        if value and all(isinstance(item, tuple) and len(item) == 2 for item in value):
            return {str(key): _plain(item) for key, item in value}
        return [_plain(item) for item in value]
    return value

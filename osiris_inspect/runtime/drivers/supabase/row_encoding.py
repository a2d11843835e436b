"""Rows for PostgREST: each value in a form that JSON carries and PostgreSQL reads without loss."""

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.postgres import types as postgres_types
from osiris_inspect.runtime.drivers.postgres.types import TargetColumn

Values = Callable[[pa.Array], list[Any]]


def encode_rows(
    table: pa.Table, dtypes: Mapping[str, str], documents: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Each row as an object of plain values, as they stand in JSON; text in the columns ``documents`` is JSON itself.

    Raises:
        DriverError: text in one of them is no JSON.
    """
    names = table.column_names
    columns = [
        _json_values(name, column)
        if name in documents
        else _values(name, column.combine_chunks(), dtypes.get(name, ""))
        for name, column in zip(names, table.columns, strict=True)
    ]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def json_text_columns(table: pa.Table) -> list[str]:
    """The columns of text whose first value is JSON: whether it is meant so, only the table they go to knows."""
    found = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        if kinds.is_large_string(column.type) or kinds.is_string(column.type):
            first = column.drop_null().slice(0, 1).to_pylist()
            if first and _is_json(first[0]):
                found.append(name)
    return found


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _json_values(name: str, column: pa.ChunkedArray) -> list[Any]:
    try:
        # Python's own reader keeps every digit of a whole number
        return [None if value is None else json.loads(value) for value in column.to_pylist()]
    except ValueError as error:
        raise DriverError(
            f"column {name!r} holds text that is no JSON, and the table's column is: {error}"
        ) from error


def _values(name: str, array: Any, dtype: str) -> list[Any]:
    array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
    kind = array.type
    if kinds.is_nested(kind):
        return _through_json([_json_value(value) for value in array.to_pylist()])
    if postgres_types.is_json(kind, dtype):
        # Python's own reader keeps every digit of a whole number
        return [None if value is None else json.loads(value) for value in array.to_pylist()]
    array = postgres_types.encoder_for(TargetColumn(name, kind, dtype, ""))(array)
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


def _through_json(values: list[Any]) -> list[Any]:
    """Nested values with what JSON does not know (times, decimals) as text, as over SQL."""
    found: list[Any] = orjson.loads(orjson.dumps(values, option=orjson.OPT_NON_STR_KEYS, default=str))
    return found


def _json_value(value: Any) -> Any:
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, dict):
        return {str(key): _json_value(item) for key, item in value.items()}
    if isinstance(value, list):
        if value and all(isinstance(item, tuple) and len(item) == 2 for item in value):
            return {str(key): _json_value(item) for key, item in value}
        return [_json_value(item) for item in value]
    return value

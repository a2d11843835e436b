"""Rows for PostgREST: JSON values that PostgreSQL reads without loss."""

import json
from collections.abc import Collection, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.postgres.types import TargetColumn, encode_column, nul_error
from osiris_inspect.runtime.frames.conversion.natural import Natural
from osiris_inspect.runtime.frames.conversion.natural_cells import natural_json


def encode_rows(
    table: pa.Table, natural: Mapping[str, Natural], json_columns: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Return each row as an object of JSON values; the text in ``json_columns`` is parsed as JSON.

    Raises:
        DriverError: text in one of these columns is not JSON, or contains NUL.
    """
    names = table.column_names
    if (error := nul_error(names, table.columns)) is not None:
        raise error
    columns = [
        _parse_json(name, column)
        if name in json_columns
        else _values(name, column.combine_chunks(), natural[name])
        for name, column in zip(names, table.columns, strict=True)
    ]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


class JsonTextColumns:
    """The text columns whose first value is JSON; only the server shows whether their type is JSON."""

    def __init__(self, schema: pa.Schema) -> None:
        self.names: list[str] = []
        self._undecided = [
            field.name for field in schema if kinds.is_large_string(field.type) or kinds.is_string(field.type)
        ]

    def update(self, batch: pa.RecordBatch) -> None:
        """Look at the next rows."""
        for name in [*self._undecided]:
            column = batch.column(name)
            if column.null_count == len(column):
                continue
            self._undecided.remove(name)
            if _is_json(column.drop_null()[0].as_py()):
                self.names.append(name)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _parse_json(name: str, column: pa.ChunkedArray | pa.Array) -> list[Any]:
    try:
        # unlike orjson, json keeps every digit of an integer
        return [None if value is None else json.loads(value) for value in column.to_pylist()]
    except ValueError as error:
        raise DriverError(
            f"column {name!r} contains text that is not JSON, but the table's column is JSON: {error}",
            kind="value-refused",
            fix="write JSON in the column, or change the type of the table's column",
            column=name,
            type="json",
        ) from error


def _values(name: str, array: Any, natural: Natural) -> list[Any]:
    array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
    if natural.kind == "json":
        return _parse_json(name, array)
    if kinds.is_nested(array.type) and natural.kind != "interval":
        return [None if value is None else natural_json(value) for value in array.to_pylist()]
    array = encode_column(TargetColumn(name, array.type, natural, ""), array)
    if kinds.is_floating(array.type):
        return _numbers(array)
    if kinds.is_decimal(array.type) or kinds.is_temporal(array.type):
        array = array.cast(pa.large_string())
    values: list[Any] = array.to_pylist()
    return values


def _numbers(array: pa.Array) -> list[Any]:
    """Return numbers, as integers if all are integral (integer columns reject 1.0); NaN and infinity by name."""
    finite = pc.is_finite(array)
    if pc.all(finite).as_py() is False:
        names = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
        return [None if value is None else names.get(str(value), value) for value in array.to_pylist()]
    is_integral = pc.and_(pc.equal(pc.round(array), array), pc.less(pc.abs(array), 2.0**53))
    values: list[Any] = (array.cast(pa.int64()) if pc.all(is_integral).as_py() else array).to_pylist()
    return values

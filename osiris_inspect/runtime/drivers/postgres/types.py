"""PostgreSQL types as Arrow types and back, determined by declared types, never by values."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.frames.conversion.natural import Natural, json_texts
from osiris_inspect.runtime.frames.conversion.natural_cells import iso_duration, json_text, natural_json

DecodeColumn = Callable[[pa.Array], pa.Array]

_NUMERIC: Final = 1700
_PLAIN: Final[Mapping[int, pa.DataType]] = {
    16: pa.bool_(),
    20: pa.int64(),
    21: pa.int16(),
    23: pa.int32(),
    26: pa.int64(),  # oid
    700: pa.float32(),
    701: pa.float64(),
}
_READ_FROM_TEXT: Final[Mapping[int, pa.DataType]] = {
    1082: pa.date32(),
    1083: pa.time64("us"),
    1114: pa.timestamp("us"),
    1184: pa.timestamp("us", "UTC"),
}
_BYTEA: Final = 17
_DDL: Final[Mapping[pa.DataType, str]] = {
    pa.bool_(): "boolean",
    pa.int8(): "smallint",
    pa.int16(): "smallint",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.uint8(): "smallint",
    pa.uint16(): "integer",
    pa.uint32(): "bigint",
    pa.uint64(): "numeric(20,0)",
    pa.float32(): "real",
    pa.float64(): "double precision",
    pa.date32(): "date",
}


@dataclass(frozen=True, slots=True)
class PostgresColumn:
    """Column of a result.

    Attributes:
        csv: the type that Arrow parses from CSV.
        type: the type of the result.
        read: converts an array of ``csv`` to ``type``.
    """

    name: str
    csv: pa.DataType
    type: pa.DataType
    read: DecodeColumn


def column_of(name: str, oid: int, modifier: int, numeric: str) -> PostgresColumn:
    """Return the column that PostgreSQL describes by a type's OID and modifier."""
    text = pa.large_string()
    if oid in _PLAIN:
        return PostgresColumn(name, _PLAIN[oid], _PLAIN[oid], lambda array: array)
    if oid == _BYTEA:
        return PostgresColumn(name, text, pa.large_binary(), _bytes)
    arrow_type = _numeric(modifier, numeric) if oid == _NUMERIC else _READ_FROM_TEXT.get(oid, text)
    return PostgresColumn(name, text, arrow_type, lambda array: _parse_text(name, array, arrow_type))


def _numeric(modifier: int, undeclared: str) -> pa.DataType:
    if modifier < 4:  # NUMERIC without precision and scale: values may have any
        return pa.float64() if undeclared == "float" else pa.large_string()
    precision, scale = ((modifier - 4) >> 16) & 0xFFFF, ((modifier - 4) & 0x7FF ^ 1024) - 1024
    if precision <= 38:
        return pa.decimal128(precision, scale)
    return pa.decimal256(precision, scale) if precision <= 76 else pa.large_string()


def _parse_text(name: str, array: pa.Array, arrow_type: pa.DataType) -> pa.Array:
    if array.type == arrow_type:
        return array
    try:
        if kinds.is_time(arrow_type):  # Arrow parses timestamps but not times of day
            text = pa.large_string()
            timestamps = pc.binary_join_element_wise(
                pa.scalar("1970-01-01", text), array, pa.scalar(" ", text)
            )
            return timestamps.cast(pa.timestamp("us")).cast(arrow_type)
        return array.cast(arrow_type)
    except MemoryError:  # also an Arrow exception
        raise
    except pa.ArrowException as error:
        quoted = re.search(r"'([^']*)'", str(error))
        sample = repr(quoted[1]) if quoted else "a value"
        raise DriverError(
            f"column {name!r} contains {sample}, which is not a valid {arrow_type}",
            kind="value-not-convertible",
            fix="exclude it or cast it to text in the query",
            column=name,
            value=quoted[1] if quoted else None,
            type=str(arrow_type),
        ) from error


def _bytes(array: pa.Array) -> pa.Array:
    values = [None if value is None else bytes.fromhex(value[2:]) for value in array.to_pylist()]
    return pa.array(values, pa.large_binary())


def ddl_type(arrow_type: pa.DataType, natural: Natural) -> str:
    """Return the type of a new column for values of ``arrow_type`` in natural form."""
    if natural.kind in _DDL_OF_NATURAL:
        text = _DDL_OF_NATURAL[natural.kind]
        if natural.kind == "decimal" and natural.detail:
            text += f"({natural.detail})"
    elif kinds.is_decimal(arrow_type):
        text = f"numeric({arrow_type.precision},{arrow_type.scale})"
    elif kinds.is_timestamp(arrow_type):
        text = f"timestamp {'with' if arrow_type.tz else 'without'} time zone"
    elif kinds.is_time(arrow_type):
        text = "time without time zone"
    elif _is_bytes(arrow_type):
        text = "bytea"
    else:
        text = "jsonb" if kinds.is_nested(arrow_type) else _DDL.get(arrow_type, "text")
    return text


_DDL_OF_NATURAL: Final[Mapping[str, str]] = {
    "json": "jsonb",
    "uuid": "uuid",
    "duration": "interval",
    "interval": "interval",
    "decimal": "numeric",
}


def _is_bytes(arrow_type: pa.DataType) -> bool:
    return bool(kinds.is_binary(arrow_type) or kinds.is_large_binary(arrow_type))


@dataclass(frozen=True, slots=True)
class TargetColumn:
    """Column to write.

    Attributes:
        target: the type of the column in the table; empty if unknown.
    """

    name: str
    arrow_type: pa.DataType
    natural: Natural
    target: str


def encode_column(column: TargetColumn, array: pa.Array) -> pa.Array:
    """Return the values of a column in a form that PostgreSQL reads as text.

    Raises:
        DriverError: a value cannot be written to the column.
    """
    arrow_type = column.arrow_type
    if kinds.is_duration(arrow_type):
        encoded = _durations(column, array)
    elif column.natural.kind == "interval":
        encoded = _intervals(column, array)
    elif column.natural.kind == "json" and column.target.endswith("[]"):
        encoded = _to_text(array, lambda text: _array_text(column, json.loads(text)))
    elif kinds.is_floating(arrow_type):
        encoded = _numbers(column, array)
    elif kinds.is_dictionary(arrow_type):
        encoded = array.cast(pa.large_string())
    elif kinds.is_timestamp(arrow_type) and arrow_type.unit == "ns":
        encoded = _microseconds(column, array)
    elif _is_bytes(arrow_type):
        encoded = _to_text(array, natural_json)
    elif kinds.is_nested(arrow_type):
        is_array = column.target.endswith("[]")
        encoded = _to_text(array, partial(_array_text, column)) if is_array else json_texts(array)
    else:
        encoded = array
    return encoded


def _numbers(column: TargetColumn, array: pa.Array) -> pa.Array:
    if column.target in ("smallint", "integer", "bigint"):
        try:
            return array.cast(pa.int64())
        except MemoryError:
            raise
        except pa.ArrowException as error:
            raise DriverError(
                f"column {column.name!r} contains fractions, and the table's column is {column.target}",
                kind="value-refused",
                fix="round the column in an earlier step, or change the type of the table's column",
                column=column.name,
                type=column.target,
            ) from error
    return array


def _microseconds(column: TargetColumn, array: pa.Array) -> pa.Array:
    try:
        return array.cast(pa.timestamp("us", column.arrow_type.tz))
    except MemoryError:
        raise
    except pa.ArrowException as error:
        raise _nanoseconds_error(column) from error


def _intervals(column: TargetColumn, array: pa.Array) -> pa.Array:
    nanoseconds = pc.struct_field(array, "nanoseconds")  # null where the interval is
    if pc.any(pc.not_equal(pc.multiply(pc.divide(nanoseconds, 1000), 1000), nanoseconds)).as_py():
        raise _nanoseconds_error(column)
    return _to_text(
        array, lambda value: iso_duration(value["days"], 0, value["nanoseconds"], value["months"])
    )


def _durations(column: TargetColumn, array: pa.Array) -> pa.Array:
    per = {"s": (1_000_000, 1), "ms": (1000, 1), "us": (1, 1), "ns": (1, 1000)}[array.type.unit]
    ticks = array.cast(pa.int64())
    micros = pc.divide(pc.multiply_checked(ticks, per[0]), per[1])
    if per[1] > 1 and pc.any(pc.not_equal(pc.multiply(micros, per[1]), ticks)).as_py():
        raise _nanoseconds_error(column)
    if not column.target.startswith(
        "interval"
    ):  # text, or unknown: readable, and an interval reads it as well
        return _to_text(micros, lambda value: iso_duration(0, 0, value * 1000))
    text = pa.large_string()
    unit_name, separator = pa.scalar("microseconds", text), pa.scalar(" ", text)
    return pc.binary_join_element_wise(micros.cast(text), unit_name, separator)


def _nanoseconds_error(column: TargetColumn) -> DriverError:
    return DriverError(
        f"column {column.name!r} contains nanoseconds, which PostgreSQL cannot store",
        kind="value-refused",
        fix="round them in an earlier step",
        column=column.name,
        type=str(column.arrow_type),
    )


def _to_text(array: pa.Array, convert: Callable[[Any], str]) -> pa.Array:
    texts = [None if value is None else convert(value) for value in array.to_pylist()]
    return pa.array(texts, pa.large_string())


def nul_error(names: Sequence[str], arrays: Iterable[pa.Array]) -> DriverError | None:
    """Return the error for text with the character NUL, which PostgreSQL cannot store; None if there is none."""
    for name, array in zip(names, arrays, strict=True):
        if _has_nul(array):
            return DriverError(
                f"column {name!r} contains text with the character NUL, which PostgreSQL cannot store",
                kind="value-refused",
                fix="remove it in an earlier step, for example with replace(column, chr(0), '')",
                column=name,
            )
    return None


def _has_nul(array: Any) -> bool:
    if kinds.is_large_string(array.type) or kinds.is_string(array.type):
        return bool(pc.any(pc.match_substring(array, "\0")).as_py())
    if kinds.is_dictionary(array.type):
        return _has_nul(array.dictionary)
    if kinds.is_struct(array.type):
        return any(map(_has_nul, array.flatten()))
    if kinds.is_map(array.type):
        return _has_nul(array.keys) or _has_nul(array.items)
    return bool(kinds.is_nested(array.type) and not kinds.is_union(array.type) and _has_nul(array.flatten()))


def _array_text(column: TargetColumn, cell: Any) -> str:
    if isinstance(cell, list) and not kinds.is_map(column.arrow_type):
        return _array_literal(cell)
    raise DriverError(
        f"column {column.name!r} contains a value that is not a list, and the table's column is {column.target}",
        kind="value-refused",
        fix="write to a column of type jsonb, or make the values lists in an earlier step",
        column=column.name,
        type=column.target,
    )


def _array_literal(values: list[Any]) -> str:
    """Return a list as a PostgreSQL array literal."""
    parts = []
    for value in values:
        if value is None:
            parts.append("NULL")
        elif isinstance(value, list) and not (value and isinstance(value[0], tuple)):
            parts.append(_array_literal(value))
        else:
            text = json_text(value) if isinstance(value, (dict, list)) else str(natural_json(value))
            escaped = text.replace("\\", "\\\\").replace('"', '\\"')
            parts.append(f'"{escaped}"')
    return "{" + ",".join(parts) + "}"

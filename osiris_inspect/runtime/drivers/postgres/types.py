"""PostgreSQL's columns as Arrow's, and Arrow's as PostgreSQL's. Decided by what is declared, never by values."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from osiris_inspect.model.errors import DriverError

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
_WIDE_DECIMAL: Final = re.compile(r"decimal256\((\d+), (-?\d+)\)")
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
    """A column of a result.

    Attributes:
        csv: the type it is read with from CSV.
        type: the type it gets.
        read: makes the one of the other.
    """

    name: str
    csv: pa.DataType
    type: pa.DataType
    read: DecodeColumn


def column_of(name: str, oid: int, modifier: int, numeric: str) -> PostgresColumn:
    """The column that PostgreSQL describes by a type's number and its modifier."""
    text = pa.large_string()
    if oid in _PLAIN:
        return PostgresColumn(name, _PLAIN[oid], _PLAIN[oid], lambda array: array)
    if oid in _READ_FROM_TEXT:
        kind = _READ_FROM_TEXT[oid]
        return PostgresColumn(name, text, kind, lambda array: _of_text(name, array, kind))
    if oid == _BYTEA:
        return PostgresColumn(name, text, pa.large_binary(), _bytes)
    if oid == _NUMERIC:
        wanted = _numeric(modifier, numeric)
        return PostgresColumn(name, text, wanted, lambda array: _of_text(name, array, wanted))
    return PostgresColumn(name, text, text, lambda array: array)


def _numeric(modifier: int, undeclared: str) -> pa.DataType:
    if modifier < 4:  # NUMERIC alone has no digits and no scale of its own: its values may have any
        return pa.float64() if undeclared == "float" else pa.large_string()
    precision, scale = ((modifier - 4) >> 16) & 0xFFFF, ((modifier - 4) & 0x7FF ^ 1024) - 1024
    if precision <= 38:
        return pa.decimal128(precision, scale)
    return pa.decimal256(precision, scale) if precision <= 76 else pa.large_string()


def _of_text(name: str, array: pa.Array, arrow_type: pa.DataType) -> pa.Array:
    if array.type == arrow_type:
        return array
    try:
        if kinds.is_time(arrow_type):  # Arrow reads moments and no times of day
            text = pa.large_string()
            moments = pc.binary_join_element_wise(pa.scalar("1970-01-01", text), array, pa.scalar(" ", text))
            return moments.cast(pa.timestamp("us")).cast(arrow_type)
        return array.cast(arrow_type)
    except pa.ArrowException as error:
        sample = re.search(r"'([^']*)'", str(error))
        shown = repr(sample[1]) if sample else "a value"
        text = f"column {name!r} holds {shown}, which no {arrow_type} can be; leave it out or cast it to text in the query"
        raise DriverError(text) from error


def _bytes(array: pa.Array) -> pa.Array:
    values = [None if value is None else bytes.fromhex(value[2:]) for value in array.to_pylist()]
    return pa.array(values, pa.large_binary())


def ddl_type(arrow_type: pa.DataType, dtype: str) -> str:
    """The type a new column gets for values of ``kind``; ``dtype`` says what they were for their driver."""
    for fits, text in _DDL_RULES:
        if fits(arrow_type, dtype):
            return text(arrow_type, dtype)
    return _DDL.get(arrow_type, "text")


def _is_duration(arrow_type: pa.DataType, dtype: str) -> bool:
    del arrow_type
    return dtype.startswith(("duration", "timedelta64"))


def _is_wide(arrow_type: pa.DataType, dtype: str) -> bool:
    del arrow_type
    return _WIDE_DECIMAL.match(dtype) is not None


def _is_bytes(arrow_type: pa.DataType, dtype: str) -> bool:
    del dtype
    return bool(kinds.is_binary(arrow_type) or kinds.is_large_binary(arrow_type))


def _wide_ddl(arrow_type: pa.DataType, dtype: str) -> str:
    del arrow_type
    precision, scale = _WIDE_DECIMAL.findall(dtype)[0]
    return f"numeric({precision},{scale})"


def _moment_ddl(arrow_type: pa.DataType, dtype: str) -> str:
    del dtype
    return "timestamp with time zone" if arrow_type.tz else "timestamp without time zone"


def is_json(arrow_type: pa.DataType, dtype: str) -> bool:
    """Whether values are lists or structures, as they are or as JSON."""
    return kinds.is_nested(arrow_type) or dtype.startswith(("struct<", "list<", "large_list<", "map<"))


_DDL_RULES: Final[
    tuple[tuple[Callable[[pa.DataType, str], bool], Callable[[pa.DataType, str], str]], ...]
] = (
    (_is_duration, lambda _kind, _dtype: "interval"),
    (_is_wide, _wide_ddl),
    (
        lambda arrow_type, _dtype: kinds.is_decimal(arrow_type),
        lambda arrow_type, _dtype: f"numeric({arrow_type.precision},{arrow_type.scale})",
    ),
    (lambda arrow_type, _dtype: kinds.is_timestamp(arrow_type), _moment_ddl),
    (lambda arrow_type, _dtype: kinds.is_time(arrow_type), lambda _kind, _dtype: "time without time zone"),
    (_is_bytes, lambda _kind, _dtype: "bytea"),
    (is_json, lambda _kind, _dtype: "jsonb"),
)


@dataclass(frozen=True, slots=True)
class TargetColumn:
    """A column on its way to PostgreSQL: what it is here, and the type it is to have there (empty: not known)."""

    name: str
    arrow_type: pa.DataType
    dtype: str
    target: str


def encoder_for(column: TargetColumn) -> DecodeColumn:
    """What turns a column into one that PostgreSQL takes as text."""
    for fits, convert in _WRITERS:
        if fits(column.arrow_type, column.dtype):
            return lambda array: convert(column, array)
    return lambda array: array


def _numbers(column: TargetColumn, array: pa.Array) -> pa.Array:
    name, target = column.name, column.target
    if column.dtype.startswith("float"):  # pandas writes a gap as NaN; in Arrow ("double") a NaN is one
        array = pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
    if target in ("smallint", "integer", "bigint"):
        try:
            return array.cast(pa.int64())
        except pa.ArrowException as error:
            text = f"column {name!r} holds numbers with a fraction, and the table's column is {target}"
            raise DriverError(text) from error
    return array


def _microseconds(column: TargetColumn, array: pa.Array) -> pa.Array:
    try:
        return array.cast(pa.timestamp("us", column.arrow_type.tz))
    except pa.ArrowException as error:
        text = f"column {column.name!r} holds nanoseconds, which PostgreSQL cannot keep; round them in a step before"
        raise DriverError(text) from error


def _intervals(column: TargetColumn, array: pa.Array) -> pa.Array:
    unit = re.search(r"\[(\w+)\]", column.dtype)
    per = {"s": (1_000_000, 1), "ms": (1000, 1), "us": (1, 1), "ns": (1, 1000)}[unit[1] if unit else "us"]
    ticks = array.cast(pa.int64())
    micros = pc.divide(pc.multiply_checked(ticks, per[0]), per[1])
    if per[1] > 1 and pc.any(pc.not_equal(pc.multiply(micros, per[1]), ticks)).as_py():
        text = f"column {column.name!r} holds nanoseconds, which PostgreSQL cannot keep; round them in a step before"
        raise DriverError(text)
    texts, text = micros.cast(pa.large_string()), pa.large_string()
    return pc.binary_join_element_wise(texts, pa.scalar("microseconds", text), pa.scalar(" ", text))


def _hex(column: TargetColumn, array: pa.Array) -> pa.Array:
    del column
    values = [None if value is None else "\\x" + value.hex() for value in array.to_pylist()]
    return pa.array(values, pa.large_string())


def _nested(column: TargetColumn, array: pa.Array) -> pa.Array:
    import orjson

    if column.target.endswith("[]"):
        return pa.array(
            [None if value is None else _literal(value) for value in array.to_pylist()], pa.large_string()
        )
    values = [
        None if value is None else orjson.dumps(_json_value(value), default=str).decode()
        for value in array.to_pylist()
    ]
    return pa.array(values, pa.large_string())


def _json_value(value: Any) -> Any:
    """A map comes from Arrow as pairs; JSON wants an object."""
    if (
        isinstance(value, list)
        and value
        and all(isinstance(item, tuple) and len(item) == 2 for item in value)
    ):
        return {str(key): _json_value(item) for key, item in value}
    return value


def _literal(values: list[Any]) -> str:
    """A list as PostgreSQL writes an array."""
    parts = []
    for value in values:
        if value is None:
            parts.append("NULL")
        elif isinstance(value, list):
            parts.append(_literal(value))
        else:
            escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
            parts.append(f'"{escaped}"')
    return "{" + ",".join(parts) + "}"


def _unwrapped(column: TargetColumn, array: pa.Array) -> pa.Array:
    """Decimals of more than 38 digits, which are JSON in the normal form."""
    del column
    return pc.replace_substring_regex(array, r'^\{"\$decimal":"(.*)"\}$', r"\1")


def _decoded(column: TargetColumn, array: pa.Array) -> pa.Array:
    del column
    return array.cast(pa.large_string())


_WRITERS: Final[
    tuple[tuple[Callable[[pa.DataType, str], bool], Callable[[TargetColumn, pa.Array], pa.Array]], ...]
] = (
    (_is_duration, _intervals),
    (_is_wide, _unwrapped),
    (lambda arrow_type, _dtype: kinds.is_floating(arrow_type), _numbers),
    (lambda arrow_type, _dtype: kinds.is_dictionary(arrow_type), _decoded),
    (lambda arrow_type, _dtype: kinds.is_timestamp(arrow_type) and arrow_type.unit == "ns", _microseconds),
    (_is_bytes, _hex),
    (lambda arrow_type, _dtype: kinds.is_nested(arrow_type), _nested),
)

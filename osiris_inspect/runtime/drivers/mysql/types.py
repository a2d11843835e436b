"""MySQL's columns as Arrow's: decided by what the server declares, never by what the values look like."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pymysql.constants import FIELD_TYPE, FLAG

from osiris_inspect.model.errors import DriverError

BINARY: Final = 63
"""The character set of bytes that are no text."""

_INTEGER_TYPES: Mapping[int, tuple[pa.DataType, pa.DataType]] = {
    FIELD_TYPE.TINY: (pa.int8(), pa.uint8()),
    FIELD_TYPE.SHORT: (pa.int16(), pa.uint16()),
    FIELD_TYPE.INT24: (pa.int32(), pa.uint32()),
    FIELD_TYPE.LONG: (pa.int32(), pa.uint32()),
    FIELD_TYPE.LONGLONG: (pa.int64(), pa.uint64()),
    FIELD_TYPE.YEAR: (pa.int16(), pa.int16()),
}
_DATETIME_TYPES: Mapping[int, pa.DataType] = {
    FIELD_TYPE.DATE: pa.date32(),
    FIELD_TYPE.NEWDATE: pa.date32(),
    FIELD_TYPE.DATETIME: pa.timestamp("us"),
    FIELD_TYPE.TIMESTAMP: pa.timestamp("us"),
}
MAX_DECIMAL_DIGITS: Final = 38
"""Digits of the longest decimal that DuckDB calculates with."""
_ZERO_IN_DATE: Final = r"^0000-|-00-|-00$|-00 "


@dataclass(frozen=True, slots=True)
class TypeOptions:
    """What a step says of types.

    Attributes:
        tinyint1: ``number`` or ``switch``.
        time: ``text`` (as MySQL writes it, also beyond a day) or ``duration``.
        zero_dates: ``error``, ``null`` or ``text``: what 0000-00-00 becomes, which no calendar has.
        wide_decimals: what decimals of more than 38 digits become: ``exact`` (all 65 digits, text in SQL), ``fit`` (38
            digits, an error where a value has more) or ``auto``: exact for a column of a table, fit for what the query
            computes, because SUM and AVG declare far more digits than they use.
    """

    tinyint1: str = "number"
    time: str = "text"
    zero_dates: str = "error"
    wide_decimals: str = "auto"


@dataclass(frozen=True, slots=True)
class MysqlColumn:
    """A column of a result: its name, the type it gets, and how its bytes become that."""

    name: str
    type: pa.DataType
    read: Callable[[pa.Array], pa.Array]


Plan = tuple[pa.DataType, Callable[[pa.Array], pa.Array]]


def column_for_field(field: Any, options: TypeOptions) -> MysqlColumn:
    """The column that a field of the server's answer describes."""
    kind, read = _plan(field, options)
    return MysqlColumn(field.name, kind, read)


def _plan(field: Any, options: TypeOptions) -> Plan:
    return _PLANNERS.get(field.type_code, _plan_text)(field, options)


def _plan_whole(field: Any, options: TypeOptions) -> Plan:
    if field.type_code == FIELD_TYPE.TINY and field.length == 1 and options.tinyint1 == "switch":
        return pa.bool_(), lambda raw: pc.not_equal(_text(raw).cast(pa.int8()), 0)
    kind = _INTEGER_TYPES[field.type_code][bool(field.flags & FLAG.UNSIGNED)]
    return kind, lambda raw: _text(raw).cast(kind)


def _plan_float(field: Any, options: TypeOptions) -> Plan:
    del options
    kind = pa.float32() if field.type_code == FIELD_TYPE.FLOAT else pa.float64()
    return kind, lambda raw: _text(raw).cast(kind)


def _plan_decimal(field: Any, options: TypeOptions) -> Plan:
    kind = _decimal(field, options)
    return kind, lambda raw: _text(raw).cast(kind)


def _plan_datetime(field: Any, options: TypeOptions) -> Plan:
    kind = pa.large_string() if options.zero_dates == "text" else _DATETIME_TYPES[field.type_code]
    return kind, lambda raw: _moments(field.name, _text(raw), kind, options)


def _plan_time(field: Any, options: TypeOptions) -> Plan:
    del field
    if options.time == "text":
        return pa.large_string(), _text
    return pa.duration("us"), lambda raw: _durations(_text(raw))


def _plan_bits(field: Any, options: TypeOptions) -> Plan:
    del field, options
    return pa.uint64(), _bits


def _plan_null(field: Any, options: TypeOptions) -> Plan:
    del field, options
    return pa.null(), lambda raw: pa.nulls(len(raw))


def _plan_text(field: Any, options: TypeOptions) -> Plan:
    """Text, or bytes where the server says that they are no text."""
    del options
    code = field.type_code
    if code == FIELD_TYPE.JSON or (code != FIELD_TYPE.GEOMETRY and field.charsetnr != BINARY):
        return pa.large_string(), _text
    return pa.large_binary(), lambda raw: raw


_PLANNERS: Final[Mapping[int, Callable[[Any, TypeOptions], Plan]]] = {
    **dict.fromkeys(_INTEGER_TYPES, _plan_whole),
    **dict.fromkeys((FIELD_TYPE.FLOAT, FIELD_TYPE.DOUBLE), _plan_float),
    **dict.fromkeys((FIELD_TYPE.NEWDECIMAL, FIELD_TYPE.DECIMAL), _plan_decimal),
    **dict.fromkeys(_DATETIME_TYPES, _plan_datetime),
    FIELD_TYPE.TIME: _plan_time,
    FIELD_TYPE.BIT: _plan_bits,
    FIELD_TYPE.NULL: _plan_null,
}


def _text(raw: pa.Array) -> pa.Array:
    return raw.cast(pa.large_string())


def _decimal(field: Any, options: TypeOptions) -> pa.DataType:
    """DECIMAL(p, s) from its length on the screen: digits, a point, a sign."""
    precision = field.length - (field.scale > 0) - (not field.flags & FLAG.UNSIGNED)
    precision = max(precision, field.scale, 1)
    is_exact = options.wide_decimals == "exact" or (options.wide_decimals == "auto" and bool(field.org_table))
    if precision > MAX_DECIMAL_DIGITS and is_exact:
        return pa.decimal256(min(precision, 76), field.scale)
    return pa.decimal128(min(precision, MAX_DECIMAL_DIGITS), min(field.scale, MAX_DECIMAL_DIGITS))


def _moments(name: str, texts: pa.Array, kind: pa.DataType, options: TypeOptions) -> pa.Array:
    if options.zero_dates == "text":
        return texts
    is_zero = pc.match_substring_regex(texts, _ZERO_IN_DATE)
    count = pc.sum(is_zero).as_py() or 0
    if count:
        if options.zero_dates == "error":
            sample = texts.filter(is_zero)[0].as_py()
            text = f"column {name!r} holds {sample!r}, which no calendar has; set zero_dates: null, or text to keep it"
            raise DriverError(text)
        texts = pc.if_else(is_zero, pa.scalar(None, texts.type), texts)
    return texts.cast(kind)


def _durations(texts: pa.Array) -> pa.Array:
    """-838:59:59.000000 as microseconds."""
    pattern = r"^(?P<sign>-?)(?P<h>\d+):(?P<m>\d+):(?P<s>\d+)(?:\.(?P<f>\d+))?$"
    parts = pc.extract_regex(texts, pattern)

    def part(key: str) -> pa.Array:
        return pc.struct_field(parts, key)

    fraction = pc.utf8_rpad(part("f"), 6, "0").cast(pa.int64())
    seconds = pc.add(
        pc.add(pc.multiply(part("h").cast(pa.int64()), 3600), pc.multiply(part("m").cast(pa.int64()), 60)),
        part("s").cast(pa.int64()),
    )
    total = pc.add(pc.multiply(seconds, 1_000_000), fraction)
    signed = pc.if_else(pc.equal(part("sign"), "-"), pc.negate(total), total)
    return signed.cast(pa.duration("us"))


def _bits(raw: pa.Array) -> pa.Array:
    """BIT(n), which comes as bytes, highest first, as a number."""
    lengths = pc.binary_length(raw)
    width = pc.max(lengths).as_py()
    if width is None:
        return pa.nulls(len(raw), pa.uint64())
    filled = pc.fill_null(raw, b"\0" * width)
    digits = np.frombuffer(b"".join(filled.to_pylist()), dtype=np.uint8).reshape(len(raw), width)
    weights = np.uint64(1) << (np.uint64(8) * np.arange(width - 1, -1, -1, dtype=np.uint64))
    numbers = (digits.astype(np.uint64) * weights).sum(axis=1, dtype=np.uint64)
    return pa.array(numbers, mask=pc.is_null(raw).to_numpy(zero_copy_only=False))

"""MySQL types as Arrow types, determined by the declared types of columns, never by values."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pymysql.constants import FIELD_TYPE, FLAG

from osiris_inspect.model.errors import DriverError

BINARY: Final = 63
"""The character set number of binary data."""

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
_OTHER_TYPES: Mapping[int, pa.DataType] = {
    FIELD_TYPE.FLOAT: pa.float32(),
    FIELD_TYPE.DOUBLE: pa.float64(),
    FIELD_TYPE.BIT: pa.uint64(),
    FIELD_TYPE.NULL: pa.null(),
}
MAX_DECIMAL_DIGITS: Final = 38
"""Digits of the longest decimal that DuckDB supports."""
_YEAR_1: Final = datetime(1, 1, 1)
_ZERO_IN_DATE: Final = r"^0000-|-00-|-00$|-00 "


@dataclass(frozen=True, slots=True)
class TypeOptions:
    """Type options of a step.

    Attributes:
        tinyint1: ``number`` or ``switch``.
        time: ``text`` (as MySQL writes it, also beyond a day) or ``duration``.
        zero_dates: ``error``, ``null`` or ``text``, for dates such as 0000-00-00.
        wide_decimals: for decimals of more than 38 digits: ``exact`` (up to 76 digits, text in SQL), ``fit`` (38 digits,
            an error if a value has more) or ``auto``: exact for a column of a table, fit for a computed one, because SUM
            and AVG declare far more digits than they use.
    """

    tinyint1: str = "number"
    time: str = "text"
    zero_dates: str = "error"
    wide_decimals: str = "auto"


@dataclass(frozen=True, slots=True)
class MysqlColumn:
    """Column of a result.

    Attributes:
        name: its name, which need not be unique.
        type: its Arrow type.
        field: the server's description of it.
        read: converts the bytes of its values in the text protocol; returns values that have its type already.
    """

    name: str
    type: pa.DataType
    field: Any
    read: Callable[[pa.Array], pa.Array]


def column_for_field(field: Any, options: TypeOptions) -> MysqlColumn:
    """Return the column that a field of the server's response describes."""
    arrow_type = _arrow_type(field, options)
    return MysqlColumn(field.name, arrow_type, field, partial(_decode, field, options, arrow_type))


def _arrow_type(field: Any, options: TypeOptions) -> pa.DataType:
    code = field.type_code
    if code in _INTEGER_TYPES:
        is_switch = code == FIELD_TYPE.TINY and field.length == 1 and options.tinyint1 == "switch"
        return pa.bool_() if is_switch else _INTEGER_TYPES[code][bool(field.flags & FLAG.UNSIGNED)]
    if code in (FIELD_TYPE.NEWDECIMAL, FIELD_TYPE.DECIMAL):
        return _decimal(field, options)
    if code in _DATETIME_TYPES:
        return pa.large_string() if options.zero_dates == "text" else _DATETIME_TYPES[code]
    if code == FIELD_TYPE.TIME:
        return pa.large_string() if options.time == "text" else pa.duration("us")
    if code in _OTHER_TYPES:
        return _OTHER_TYPES[code]
    is_text = code == FIELD_TYPE.JSON or (code != FIELD_TYPE.GEOMETRY and field.charsetnr != BINARY)
    return pa.large_string() if is_text else pa.large_binary()


def _decode(field: Any, options: TypeOptions, arrow_type: pa.DataType, raw: pa.Array) -> pa.Array:
    if raw.type == arrow_type:
        return raw
    if field.type_code == FIELD_TYPE.BIT:
        return _bits(raw)
    if field.type_code == FIELD_TYPE.NULL:
        return pa.nulls(len(raw))
    texts = raw.cast(pa.large_string())
    if arrow_type == pa.bool_():
        return pc.not_equal(texts.cast(pa.int8()), 0)
    if pa.types.is_duration(arrow_type):
        return _durations(texts)
    is_time = field.type_code in _DATETIME_TYPES and options.zero_dates != "text"
    return _times(field.name, texts, arrow_type, options) if is_time else texts.cast(arrow_type)


def _decimal(field: Any, options: TypeOptions) -> pa.DataType:
    """Return the type of DECIMAL(p, s) by its display length: digits, a point, a sign."""
    precision = field.length - (field.scale > 0) - (not field.flags & FLAG.UNSIGNED)
    precision = max(precision, field.scale, 1)
    is_exact = options.wide_decimals == "exact" or (options.wide_decimals == "auto" and bool(field.org_table))
    if precision > MAX_DECIMAL_DIGITS and is_exact:
        return pa.decimal256(min(precision, 76), field.scale)
    return pa.decimal128(min(precision, MAX_DECIMAL_DIGITS), min(field.scale, MAX_DECIMAL_DIGITS))


def _times(name: str, texts: pa.Array, arrow_type: pa.DataType, options: TypeOptions) -> pa.Array:
    with suppress(pa.ArrowInvalid):  # also of a zero date other than those of the year 0, which Arrow knows
        times = texts.cast(arrow_type)
        if not pc.any(pc.less(times, pa.scalar(_YEAR_1).cast(arrow_type))).as_py():
            return times
    return _without_zero_dates(name, texts, options).cast(arrow_type)


def _without_zero_dates(name: str, texts: pa.Array, options: TypeOptions) -> pa.Array:
    is_zero = pc.match_substring_regex(texts, _ZERO_IN_DATE)
    if not pc.any(is_zero).as_py():
        return texts
    if options.zero_dates == "error":
        sample = texts.filter(is_zero)[0].as_py()
        raise DriverError(
            f"column {name!r} contains {sample!r}, which is not a calendar date",
            kind="value-not-convertible",
            fix="set zero_dates: null, or text to keep it",
            column=name,
            value=sample,
        )
    return pc.if_else(is_zero, pa.scalar(None, texts.type), texts)


def _durations(texts: pa.Array) -> pa.Array:
    """Return times such as -838:59:59.000000 as microseconds."""
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
    """Return values of BIT(n), which are big-endian bytes, as numbers."""
    lengths = pc.binary_length(raw)
    width = pc.max(lengths).as_py()
    if width is None:
        return pa.nulls(len(raw), pa.uint64())
    filled = pc.fill_null(raw, b"\0" * width)
    digits = np.frombuffer(b"".join(filled.to_pylist()), dtype=np.uint8).reshape(len(raw), width)
    weights = np.uint64(1) << (np.uint64(8) * np.arange(width - 1, -1, -1, dtype=np.uint64))
    numbers = (digits.astype(np.uint64) * weights).sum(axis=1, dtype=np.uint64)
    return pa.array(numbers, mask=pc.is_null(raw).to_numpy(zero_copy_only=False))

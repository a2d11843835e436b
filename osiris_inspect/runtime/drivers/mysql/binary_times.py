"""Dates and times of MySQL's binary protocol, whose parts are numbers, as Arrow arrays."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pymysql.constants import FIELD_TYPE

from osiris_inspect.runtime.drivers.mysql.types import MysqlColumn
from osiris_inspect.runtime.drivers.mysql.wire_protocol import Array

Parts = Mapping[str, Array]
"""Year, month and day, or sign and days; then hour, minute, second and microseconds."""
Piece = tuple[Array | str, int, Array | bool]
"""Part of a text: numbers or a character, how many digits, and in which rows it is shown."""

_MAX_DECIMALS: Final = 6


def date_array(parts: Parts, is_null: Array | None, column: MysqlColumn) -> pa.Array:
    """Return dates or datetimes in the column's type; as text if one of them is not a date of the calendar."""
    month = parts["year"].astype(np.int32) * 16 + parts["month"]
    first_days, lengths = (table.take(month, mode="clip") for table in _months())
    is_date = (parts["day"] > 0) & (parts["day"] <= lengths)
    is_text = pa.types.is_large_string(column.type)
    if is_text or not (is_date if is_null is None else is_date | is_null).all():
        return _texts(_date_pieces(parts, column.field), is_null)
    days = first_days + parts["day"] - 1
    if pa.types.is_date(column.type):
        return pa.array(days.astype(np.int32), mask=is_null).cast(column.type)
    return pa.array(days * np.int64(86_400_000_000) + _micros(parts), mask=is_null).cast(column.type)


def time_array(parts: Parts, is_null: Array | None, column: MysqlColumn) -> pa.Array:
    """Return times as durations, or as text such as -838:59:59.000000."""
    is_negative = parts["is_negative"] != 0
    if not pa.types.is_duration(column.type):
        hours = parts["days"].astype(np.int64) * 24 + parts["hour"]
        return _texts(
            [
                ("-", 1, is_negative),
                (hours // 100, 1, hours >= 100),
                (hours, 2, True),
                *_clock_pieces(parts, column.field),
            ],
            is_null,
        )
    micros = parts["days"] * np.int64(86_400_000_000) + _micros(parts)
    return pa.array(np.where(is_negative, -micros, micros), mask=is_null).cast(column.type)


def _micros(parts: Parts) -> Array:
    seconds = parts["hour"].astype(np.int64) * 3600 + parts["minute"].astype(np.int64) * 60 + parts["second"]
    return seconds * 1_000_000 + parts["micros"]


@cache
def _months() -> tuple[Array, Array]:
    """Return the first day since 1970 and the number of days of each month, by 16 * year + month.

    The months 0 and 13 to 15 and those of the year 0 have no days.
    """
    months = np.arange("0000-01", "10000-02", dtype="datetime64[M]")
    first = months.astype("datetime64[D]").astype(np.int64)
    first_days, lengths = np.zeros((10_001, 16), dtype=np.int64), np.zeros((10_001, 16), dtype=np.uint8)
    first_days[:-1, 1:13] = first[:-1].reshape(-1, 12)
    lengths[1:-1, 1:13] = np.diff(first).reshape(-1, 12)[1:]
    return first_days.ravel(), lengths.ravel()


def _date_pieces(parts: Parts, field: Any) -> list[Piece]:
    date: list[Piece] = [
        (parts["year"], 4, True),
        ("-", 1, True),
        (parts["month"], 2, True),
        ("-", 1, True),
        (parts["day"], 2, True),
    ]
    if field.type_code in (FIELD_TYPE.DATE, FIELD_TYPE.NEWDATE):
        return date
    return [*date, (" ", 1, True), (parts["hour"], 2, True), *_clock_pieces(parts, field)]


def _clock_pieces(parts: Parts, field: Any) -> list[Piece]:
    """Return the pieces after the hour."""
    decimals = min(field.scale, _MAX_DECIMALS)
    is_shown = parts["micros"] > 0 if field.scale > _MAX_DECIMALS else decimals > 0
    fraction = parts["micros"] // 10 ** (_MAX_DECIMALS - decimals)
    return [
        (":", 1, True),
        (parts["minute"], 2, True),
        (":", 1, True),
        (parts["second"], 2, True),
        (".", 1, is_shown),
        (fraction, decimals, is_shown),
    ]


def _texts(pieces: Sequence[Piece], is_null: Array | None) -> pa.Array:
    """Return the pieces of each row as one text."""
    rows, width = len(pieces[-1][0]), sum(digits for _, digits, _ in pieces)
    characters, is_shown = np.empty((rows, width), dtype=np.uint8), np.empty((rows, width), dtype=np.bool_)
    end = 0
    for value, digits, is_piece_shown in pieces:
        begin, end = end, end + digits
        is_shown[:, begin:end] = np.reshape(is_piece_shown, (-1, 1))
        rest: Any = value
        if isinstance(value, str):
            characters[:, begin] = ord(value)
            continue
        for place in range(end - 1, begin - 1, -1):
            tens = rest // 10
            characters[:, place] = rest - tens * 10 + ord("0")
            rest = tens
    offsets = np.concatenate(([0], np.cumsum(is_shown.sum(axis=1))))
    texts = pa.LargeStringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(characters[is_shown]))
    return texts if is_null is None else pc.if_else(is_null, pa.scalar(None, texts.type), texts)

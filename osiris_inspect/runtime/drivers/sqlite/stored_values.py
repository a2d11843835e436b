"""Values of a frame as SQLite stores them, and what an existing column would make of them.

SQLite converts a value to the affinity that its column's declared type has: text that looks like a number becomes a number in
a column of numbers. A value that this would change is refused.

============================================  ===========================================================
in a frame                                    declared type and stored value
============================================  ===========================================================
integers up to 64 bits                        INTEGER
unsigned integers of 64 bits, decimals        TEXT with all digits; a number in an existing column of numbers
floats                                        REAL; SQLite has no NaN, which is NULL, and no -0.0
truth values                                  BOOLEAN: 0 and 1
dates, times                                  DATE, TIME: ISO 8601
timestamps                                    TIMESTAMP: ``2024-02-29 23:59:59.5``
timestamps with a zone                        TIMESTAMPTZ: in UTC, ``2024-02-29 23:59:59.5+00:00``
durations, intervals                          TEXT: ISO 8601, ``P1DT2H30M``
bytes                                         BLOB
lists, structures, maps                       TEXT: JSON
UUIDs and other text                          TEXT
============================================  ===========================================================

"""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.sqlite.types import DECIMAL_NAMES, affinity, base_name
from osiris_inspect.runtime.frames.conversion.natural import Natural, json_texts
from osiris_inspect.runtime.frames.conversion.natural_cells import duration_text, iso_duration

_TEXT: Final = pa.large_string()
_MAX_SHOWN: Final = 60
_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_PLAIN_INTEGER: Final = re.compile(r"0|-?[1-9]\d{0,17}")
_INT64: Final = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """Column to write.

    Attributes:
        ddl: the type that a new column declares.
        declared: the declared type of the column of the table.
        encode: returns the values of an array as SQLite takes them.
    """

    name: str
    ddl: str
    declared: str
    encode: Callable[[pa.Array], list[Any]]

    def values(self, array: pa.Array, first_row: int) -> list[Any]:
        """Return the values of an array; ``first_row`` is the number of its first row, from 1.

        Raises:
            DriverError: the column would change a value; names it and its row.
        """
        values = self.encode(array)
        if self.declared == self.ddl:
            return values
        keeps = _check_for(self.declared)
        for position, value in enumerate(values):
            if value is not None and not keeps(value):
                shown = repr(value)
                shown = shown if len(shown) <= _MAX_SHOWN else f"{shown[:_MAX_SHOWN]}…"
                raise DriverError(
                    f"column {self.name!r} of the table is of type {self.declared}, which does not keep the value "
                    f"{shown} of row {first_row + position:,}",
                    kind="value-refused",
                    fix="convert the column in an earlier step, or change the type of the table's column",
                    column=self.name,
                    row=first_row + position,
                    type=self.declared,
                )
        return values


def stored_column(field: pa.Field, natural: Natural, declared: str | None) -> StoredColumn:
    """Return how a column of a frame is written to a column with a declared type; None for a new one."""
    ddl, encode = _form(field.type, natural)
    if kinds.is_timestamp(field.type) and field.type.tz is not None:
        ddl = "TIMESTAMPTZ"
    return StoredColumn(field.name, ddl, ddl if declared is None else declared, encode)


def _form(kind: pa.DataType, natural: Natural) -> tuple[str, Callable[[pa.Array], list[Any]]]:
    if kinds.is_dictionary(kind):
        ddl, encode = _form(kind.value_type, natural)
        return ddl, lambda array: encode(array.cast(kind.value_type))
    if natural.kind == "interval":
        return "TEXT", lambda array: [None if cell is None else _interval(cell) for cell in array.to_pylist()]
    return next(
        ((ddl, encode) for is_kind, ddl, encode in _FORMS if is_kind(kind)),
        ("TEXT", lambda array: array.cast(_TEXT).to_pylist()),
    )


def _list(array: pa.Array) -> list[Any]:
    values: list[Any] = array.to_pylist()
    return values


def _floats(array: pa.Array) -> list[Any]:
    return _list(array.cast(pa.float64()))


def _digits(array: pa.Array) -> list[Any]:
    return [None if cell is None else format(cell, "f") for cell in array.to_pylist()]


def _integer_digits(array: pa.Array) -> list[Any]:
    return _list(array.cast(_TEXT))


def _moments(array: pa.Array) -> list[Any]:
    is_zoned = array.type.tz is not None
    plain = array.cast(pa.timestamp(array.type.unit))  # in UTC, if it has a zone
    with suppress(pa.ArrowInvalid):  # nanoseconds
        plain = plain.cast(pa.timestamp("us"))
    texts = _without_zeros(plain.cast(_TEXT))
    return [None if cell is None else f"{cell}+00:00" for cell in texts] if is_zoned else texts


def _times(array: pa.Array) -> list[Any]:
    return _without_zeros(array.cast(_TEXT))


def _without_zeros(texts: pa.Array) -> list[Any]:
    return _list(pc.replace_substring_regex(texts, r"\.0+$", ""))


def _durations(array: pa.Array) -> list[Any]:
    return [None if cell is None else duration_text(cell) for cell in array.to_pylist()]


def _interval(cell: dict[str, int]) -> str:
    return iso_duration(cell["days"], 0, cell["nanoseconds"], cell["months"])


def _is_small_integer(kind: pa.DataType) -> bool:
    return bool(kinds.is_integer(kind)) and kind != pa.uint64()


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(kinds.is_binary(kind) or kinds.is_large_binary(kind) or kinds.is_fixed_size_binary(kind))


_FORMS: Final[tuple[tuple[Callable[[pa.DataType], bool], str, Callable[[pa.Array], list[Any]]], ...]] = (
    (_is_small_integer, "INTEGER", _list),
    (kinds.is_integer, "TEXT", _integer_digits),
    (kinds.is_floating, "REAL", _floats),
    (kinds.is_boolean, "BOOLEAN", _list),
    (kinds.is_decimal, "TEXT", _digits),
    (kinds.is_date32, "DATE", lambda array: _list(array.cast(_TEXT))),
    (kinds.is_timestamp, "TIMESTAMP", _moments),
    (kinds.is_date64, "TIMESTAMP", lambda array: _moments(array.cast(pa.timestamp("ms")))),
    (kinds.is_time, "TIME", _times),
    (kinds.is_duration, "TEXT", _durations),
    (kinds.is_nested, "TEXT", lambda array: _list(json_texts(array))),
    (_is_bytes, "BLOB", _list),
)


def _check_for(declared: str) -> Callable[[Any], bool]:
    """Return a function that returns True for a value that a column keeps."""
    kind = affinity(declared)
    if kind == "BLOB":
        return lambda _value: True
    if kind == "TEXT":
        return lambda value: type(value) in (str, int, bool)  # a float would lose digits
    if kind == "INTEGER":
        return _is_whole
    if kind == "REAL":
        return _is_float
    if base_name(declared) in DECIMAL_NAMES:
        return lambda value: _is_whole(value) or _is_float(value)
    return lambda value: not isinstance(value, str | bytes) or _is_kept_text(value)


def _is_whole(value: Any) -> bool:
    number = _number(value)
    return number is not None and number.is_finite() and number % 1 == 0 and int(number) in _INT64


def _is_float(value: Any) -> bool:
    if isinstance(value, float):
        return True
    number = _number(value)
    return number is not None and Decimal(repr(float(number))) == number


def _number(value: Any) -> Decimal | None:
    """Return a value as a number; None if SQLite does not store it as one."""
    if isinstance(value, str):
        return Decimal(value) if _NUMBER.fullmatch(value) else None
    return None if isinstance(value, bytes) else Decimal(value)


def _is_kept_text(value: Any) -> bool:
    if isinstance(value, bytes):
        return False
    return _NUMBER.fullmatch(value.strip()) is None or _PLAIN_INTEGER.fullmatch(value) is not None

"""Documented form of the cells of a column, computed without the program: the expectation of the tests of any frame.

``Form.of`` decides what a column of these cells becomes; ``Form.value`` is one cell in it. Values that several Arrow
or SQL types represent are compared in one form: moments and durations are tuples with their nanoseconds, UUIDs are text.
"""

import base64
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa

_EPOCH = datetime(1970, 1, 1)
_LISTS = (list, tuple, set, frozenset, np.ndarray)
_PER_UNIT = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1000, "ns": 1}


def is_missing(cell: Any) -> bool:
    return cell is None or cell is pd.NaT or cell is pd.NA or (isinstance(cell, float) and math.isnan(cell))


@dataclass(frozen=True)
class Form:
    """Kind of the values of a column; ``refused`` if it has no form outside pandas."""

    kind: str

    @classmethod
    def of(cls, cells: Sequence[Any]) -> "Form":  # noqa: PLR0911  a table of rules
        present = [cell for cell in cells if not is_missing(cell)]
        kinds = {_kind(cell) for cell in present}
        if not all(map(_has_form, present)) or ("bytes" in kinds and len(kinds) > 1 and "json" not in kinds):
            return cls("refused")
        if "json" in kinds:
            return cls("json")
        if kinds <= {"int", "float", "decimal"} and "float" in kinds:
            exact = all(math.isinf(cell) or _float(cell) == cell for cell in map(_number, present))
            return cls("float" if exact else "text")
        if kinds == {"int", "decimal"}:
            return cls("decimal")
        if kinds == {"date", "moment"}:
            return cls("moment")
        if kinds == {"duration"} and any(abs(duration(cell)[1]) >= 1000 * 2**63 for cell in present):
            return cls("text")  # no type holds it
        return cls(next(iter(kinds)) if len(kinds) == 1 else "text")

    def value(self, cell: Any) -> Any:
        """Return a cell in this form."""
        if is_missing(cell):
            return None
        if self.kind == "json":
            return ("json", json_value(cell))
        if self.kind == "moment" and type(cell) is date:
            return moment(datetime(cell.year, cell.month, cell.day))
        if self.kind == "float":
            return float(cell)
        return scalar(cell) if self.kind != "text" else text(cell)


def _number(cell: Any) -> Any:
    return cell if not isinstance(cell, Decimal) or cell.is_finite() else math.inf


def _float(cell: Any) -> Any:
    try:
        return float(cell)
    except OverflowError:
        return None


def _kind(cell: Any) -> str:
    if isinstance(cell, (dict, *_LISTS)):
        return "json"
    if isinstance(cell, datetime):
        return "zoned moment" if cell.tzinfo else "moment"
    if isinstance(cell, time):
        return "text" if cell.tzinfo else "time"
    kinds = {bool: "bool", int: "int", float: "float", Decimal: "decimal", date: "date", UUID: "uuid"}
    if isinstance(cell, timedelta):
        return "duration"
    return "bytes" if isinstance(cell, (bytes, bytearray)) else kinds.get(type(cell), "text")


def _has_form(cell: Any) -> bool:
    if isinstance(cell, str):
        return not any("\ud800" <= letter <= "\udfff" for letter in cell)
    if isinstance(cell, dict):
        keys = [_key(key) for key in cell]
        return len(set(keys)) == len(keys) and all(map(_has_form, (*keys, *cell.values())))
    return all(map(_has_form, cell)) if isinstance(cell, (list, tuple, set, frozenset)) else True


def scalar(cell: Any) -> Any:
    """Return a cell that is neither missing nor a container as a value that compares."""
    if isinstance(cell, datetime):
        return moment(cell)
    if isinstance(cell, timedelta):
        return duration(cell)
    if isinstance(cell, time) and cell.tzinfo:
        return cell.isoformat()
    return bytes(cell) if isinstance(cell, bytearray) else str(cell) if isinstance(cell, UUID) else cell


def moment(cell: datetime) -> tuple[str, int]:
    kind = "zoned moment" if cell.tzinfo else "moment"
    plain = cell.astimezone(UTC).replace(tzinfo=None) if cell.tzinfo else cell
    plain_us = datetime(*plain.timetuple()[:6], plain.microsecond)
    return kind, (plain_us - _EPOCH) // timedelta(microseconds=1) * 1000 + getattr(cell, "nanosecond", 0)


def duration(cell: timedelta) -> tuple[str, int]:
    micros = (cell.days * 86_400 + cell.seconds) * 1_000_000 + cell.microseconds
    return "duration", micros * 1000 + getattr(cell, "nanoseconds", 0)


def text(cell: Any) -> str:
    """Return a cell as text, as beside cells of other types."""
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    if isinstance(cell, Decimal) and cell.is_finite():
        return format(cell, "f")
    return duration_text(duration(cell)[1]) if isinstance(cell, timedelta) else str(cell)


def duration_text(nanoseconds: int) -> str:
    sign, days = ("-" if nanoseconds < 0 else ""), abs(nanoseconds) // 86_400_000_000_000
    rest = abs(nanoseconds) % 86_400_000_000_000
    hours, rest = divmod(rest, 3_600_000_000_000)
    minutes, rest = divmod(rest, 60_000_000_000)
    whole = str(Decimal(rest) / 1_000_000_000) if rest % 1_000_000_000 else str(rest // 1_000_000_000)
    seconds = format(Decimal(whole).normalize(), "f") if rest else ""
    clock = "".join(f"{sign}{value}{letter}" for value, letter in ((hours, "H"), (minutes, "M")) if value)
    clock += f"{sign}{seconds}S" if seconds else ""
    date_part = f"{sign}{days}D" if days else ""
    return f"P{date_part}" + (f"T{clock}" if clock else "") if date_part or clock else "PT0S"


def json_value(cell: Any) -> Any:
    """Return a cell inside a list or object as JSON has it."""
    if isinstance(cell, dict):
        return {_key(key): json_value(item) for key, item in cell.items()}
    if isinstance(cell, (set, frozenset)):
        return list(map(json_value, sorted(cell)))
    if isinstance(cell, _LISTS):
        return [json_value(item) for item in cell]
    if isinstance(cell, float) and not math.isfinite(cell):
        return "NaN" if math.isnan(cell) else "Infinity" if cell > 0 else "-Infinity"
    if cell is None or cell is pd.NaT or cell is pd.NA or isinstance(cell, (bool, int, float)):
        return None if cell is pd.NaT or cell is pd.NA else cell
    return "\\x" + bytes(cell).hex() if isinstance(cell, (bytes, bytearray)) else _json_text(cell)


def _json_text(cell: Any) -> str:
    return str(cell) if isinstance(cell, Decimal) else text(cell)


def _key(key: Any) -> str:
    value = json_value(key)
    return value if isinstance(value, str) else json.dumps(value)


def has_nul(value: Any) -> bool:
    """Return True if a value in documented form contains the character NUL."""
    if isinstance(value, dict):
        return any(map(has_nul, (*value, *value.values())))
    return (
        any(map(has_nul, value))
        if isinstance(value, (list, tuple))
        else isinstance(value, str) and "\0" in value
    )


# -- what a reader of a target finds, as values that compare -------------------------------------------------------


def arrow_values(column: pa.ChunkedArray, form: Form) -> list[Any]:
    """Return the cells of a column of a Parquet file."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        name = "zoned moment" if kind.tz else "moment"
        return _ticks(column, name, kind.unit)
    if pa.types.is_duration(kind):
        return _ticks(column, "duration", kind.unit)
    cells = column.to_pylist()
    if pa.types.is_interval(kind):  # of SQL: a duration has no months
        cells = [None if cell is None else _interval(cell) for cell in cells]
    if form.kind == "json" and not pa.types.is_nested(kind):
        return [None if cell is None else ("json", json.loads(cell)) for cell in cells]
    if pa.types.is_nested(kind):
        return [None if cell is None else ("json", json_value(cell)) for cell in cells]
    if form.kind == "decimal" and not pa.types.is_decimal(kind):
        return [None if cell is None else _decimal(cell) for cell in cells]
    return [str(cell) if isinstance(cell, UUID) else cell for cell in cells]


def _interval(cell: pa.MonthDayNano) -> tuple[str, int]:
    assert not cell.months
    return "duration", cell.days * 86_400_000_000_000 + cell.nanoseconds


def _decimal(cell: str) -> Decimal:
    assert "E" not in cell
    return Decimal(cell)


def _ticks(column: pa.ChunkedArray, name: str, unit: str) -> list[Any]:
    ticks = column.cast(pa.int64()).to_pylist()
    return [None if tick is None else (name, tick * _PER_UNIT[unit]) for tick in ticks]


def csv_value(cell: str, expected: Any) -> Any:  # noqa: PLR0911  one for each type
    """Return what the text of a cell means to a reader that expects a value of the type of ``expected``."""
    if expected is None:
        return cell or None
    if isinstance(expected, tuple):
        kind = expected[0]
        if kind == "json":
            return kind, json.loads(cell)
        return (kind, _duration_ns(cell)) if kind == "duration" else _moment_of_text(cell)
    if isinstance(expected, bool):
        return {"True": True, "False": False}[cell]
    if isinstance(expected, bytes):
        return base64.b64decode(cell, validate=True)
    if isinstance(expected, (date, time)):
        return type(expected).fromisoformat(cell)
    return type(expected)(cell) if isinstance(expected, (int, float, Decimal)) else cell


def _moment_of_text(cell: str) -> tuple[str, int]:
    more = re.fullmatch(r"(.*\.\d{6})(\d{3})(.*)", cell)
    whole = moment(datetime.fromisoformat(more[1] + more[3] if more else cell))
    return whole[0], whole[1] + (int(more[2]) if more else 0)


def _duration_ns(cell: str) -> int:
    match = re.fullmatch(r"P(?:(-?\d+)D)?(?:T(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?[\d.]+)S)?)?", cell)
    assert match, cell
    parts = zip(match.groups(), (86_400, 3600, 60, 1), strict=True)
    return int(sum(Decimal(value) * seconds for value, seconds in parts if value) * 1_000_000_000)


def postgres_value(cell: Any) -> Any:
    """Return what psycopg returned."""
    if isinstance(cell, datetime):
        return moment(cell)
    if isinstance(cell, timedelta):
        return duration(cell)
    if isinstance(cell, (list, dict)):
        return ("json", cell)
    return str(cell) if isinstance(cell, UUID) else cell


def same(left: Any, right: Any) -> bool:
    """Return True for equal values; -0.0 is not 0.0, and a number equals a decimal of the same value."""
    if isinstance(left, tuple) and left[:1] == ("json",) and isinstance(right, tuple):
        return right[:1] == ("json",) and _same_json(left[1], right[1])
    if isinstance(left, float) and isinstance(right, float):
        return repr(left) == repr(right)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def _same_json(left: Any, right: Any) -> bool:
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same_json, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same_json(left[key], right[key]) for key in left)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if type(left) is int and isinstance(right, float):  # the shortest digits of a float, as a decimal
        return float(left) == right
    return bool(left == right)

r"""Natural value of a Python cell: what a person and a database would expect of it.

A cell that JSON or SQL has is itself; others have one documented form:

==========================================  ==============================================================
cell                                        natural value
==========================================  ==============================================================
``Decimal``                                 the decimal; text inside a list or object
date, datetime, ``Timestamp``               the same moment; ISO 8601 inside a list or object
time with a zone                            ISO 8601 text
``timedelta``, ``Timedelta``                a duration; ISO 8601 (``P1DT2H0.5S``) inside a list or object
``UUID``, ``Period``, ``Interval``          text
``bytes``, ``bytearray``                    bytes; hexadecimal (``\\x61``) inside a list or object
tuple, set, range, array                    list; a set is sorted
dict                                        object; its keys as text
NaN, infinity                               themselves; text inside a list or object
a subclass of text or a number              the text or number
another class with a ``__str__`` of its own  its text
==========================================  ==============================================================

Nothing else has a natural value, nor has text that is not valid UTF-8.
"""

import enum
import json
import math
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa


class NoNaturalFormError(ValueError):
    """A cell that has no natural value; ``kind`` names its type or its fault."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__(kind)


CONTAINERS: Final = (list, tuple, set, frozenset, dict, range, np.ndarray, pd.Series, pd.Index)


def is_container(cell: Any) -> bool:
    """Return True if a cell consists of others; an interval of Arrow is a tuple of its parts."""
    return isinstance(cell, CONTAINERS) and not isinstance(cell, pa.MonthDayNano)


def natural_scalar(cell: Any) -> Any:
    """Return a cell that is no container as a Python or pandas scalar, or as text.

    Raises:
        NoNaturalFormError: it has none.
    """
    kind = type(cell)
    if kind in _SAME:
        return cell
    if cell is None or cell is pd.NaT or cell is pd.NA:
        return None
    convert = _SCALARS.get(kind)
    if convert is not None:
        return convert(cell)
    if isinstance(cell, np.generic):
        return _numpy_scalar(cell)
    for base, to_base in _BASES:
        if isinstance(cell, base):
            return to_base(cell)
    if isinstance(cell, enum.Enum) or kind.__str__ in _NO_TEXT:
        raise NoNaturalFormError(type_name(cell))
    return _text(str(cell))


def natural_json(cell: Any) -> Any:
    """Return a cell as a value of JSON.

    Raises:
        NoNaturalFormError: it, or a value inside it, has none.
    """
    if isinstance(cell, dict):
        return _natural_object(cell.items())
    if isinstance(cell, np.ndarray):
        return [natural_json(item) for item in (cell if cell.ndim > 1 else _items_of_array(cell))]
    if isinstance(cell, (set, frozenset)):
        return [natural_json(item) for item in sorted_items(cell)]
    if isinstance(cell, list) and cell and all(type(item) is tuple and len(item) == 2 for item in cell):
        return _natural_object(cell)  # Arrow's form of a map
    if is_container(cell):
        return [natural_json(item) for item in cell]
    return _json_scalar(natural_scalar(cell))


def sorted_items(cell: Iterable[Any]) -> list[Any]:
    """Return the items of a set: numbers or texts in their order, others in that of their JSON text."""
    items = list(cell)
    if len(set(map(type, items))) == 1 and type(items[0]) in (int, float, str):
        return sorted(items)
    return sorted(items, key=json_text)


def json_text(cell: Any) -> str:
    """Return the natural value of a cell as JSON text; raises as ``natural_json``."""
    return json.dumps(natural_json(cell), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def iso_duration(days: int, seconds: int, nanoseconds: int, months: int = 0) -> str:
    """Return a duration as ISO 8601 text that PostgreSQL and DuckDB read; each part has its own sign."""
    nanos = seconds * 1_000_000_000 + nanoseconds
    sign, nanos = ("-", -nanos) if nanos < 0 else ("", nanos)
    hours, nanos = divmod(nanos, 3_600_000_000_000)
    minutes, nanos = divmod(nanos, 60_000_000_000)
    whole, fraction = divmod(nanos, 1_000_000_000)
    years, months = (abs(months) // 12 * (1 if months > 0 else -1), int(math.fmod(months, 12)))
    parts = [f"{value}{letter}" for value, letter in ((years, "Y"), (months, "M"), (days, "D")) if value]
    clock = [f"{sign}{value}{letter}" for value, letter in ((hours, "H"), (minutes, "M")) if value]
    if whole or fraction:
        decimals = f".{fraction:09d}".rstrip("0") if fraction else ""
        clock.append(f"{sign}{whole}{decimals}S")
    if not parts and not clock:
        return "PT0S"
    return "P" + "".join(parts) + ("T" + "".join(clock) if clock else "")


def type_name(cell: Any) -> str:
    """Return the name of a cell's type for messages."""
    kind = type(cell)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _text(text: str) -> str:
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise NoNaturalFormError("text with a lone surrogate")
    return text


def _numpy_scalar(cell: Any) -> Any:
    kind = cell.dtype.kind
    if kind == "M":
        return natural_scalar(pd.Timestamp(cell))
    if kind == "m":
        return natural_scalar(pd.Timedelta(cell))
    if kind == "f" and cell.dtype.itemsize > 8:
        return str(cell)
    if kind in "biufU":
        return natural_scalar(cell.item())
    if kind == "S":
        return bytes(cell)
    raise NoNaturalFormError(type_name(cell))


def _items_of_array(array: "np.ndarray[Any, Any]") -> Iterable[Any]:
    return array.tolist() if array.dtype.kind in "biufU" and array.dtype.itemsize <= 8 else list(array)


def _natural_object(items: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, item in items:
        name = natural_json(key)
        text = name if isinstance(name, str) else json.dumps(name, ensure_ascii=False)
        if text in result:
            raise NoNaturalFormError(f"dict with two keys {text!r}")
        result[text] = natural_json(item)
    return result


def _json_scalar(value: Any) -> Any:
    if value is None or type(value) in (str, int, bool):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else str(value).replace("inf", "Infinity").replace("nan", "NaN")
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, (timedelta, pa.MonthDayNano)):
        return duration_text(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, (date, time)) else str(value)


def duration_text(value: Any) -> str:
    """Return a duration as ISO 8601 text."""
    if isinstance(value, pa.MonthDayNano):
        return iso_duration(value.days, 0, value.nanoseconds, value.months)
    nanoseconds = value.microseconds * 1000 + getattr(value, "nanoseconds", 0)
    days = value.days + (value.days < 0 and bool(value.seconds or nanoseconds))  # -1 day + 23 h is -1 h
    seconds = value.seconds - 86_400 * (days - value.days)
    return iso_duration(days, seconds, nanoseconds)


def _time(cell: time) -> Any:
    return cell if cell.tzinfo is None else cell.isoformat()


_NO_TEXT: Final[tuple[Any, ...]] = (object.__str__, BaseException.__str__)
_SAME: Final = frozenset(
    {int, bool, float, bytes, Decimal, date, datetime, timedelta, pd.Timestamp, pd.Timedelta, pa.MonthDayNano}
)
_SCALARS: Final[dict[type, Callable[[Any], Any]]] = {
    str: _text,
    time: _time,
    bytearray: bytes,
    memoryview: bytes,
    UUID: str,
    pd.Period: str,
    pd.Interval: str,
}
_BASES: Final[tuple[tuple[type, Callable[[Any], Any]], ...]] = (
    (str, lambda cell: _text(str.__str__(cell))),
    (bool, bool),
    (int, int.__int__),
    (float, float.__float__),
    (bytes, bytes),
    (datetime, lambda cell: datetime.fromisoformat(datetime.isoformat(cell))),
    (date, lambda cell: date(cell.year, cell.month, cell.day)),
    (UUID, str),
)

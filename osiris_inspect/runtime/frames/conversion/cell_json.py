"""Cells of any type as JSON and back, for columns whose cells have no common Arrow type.

Values that JSON has (text, integers, finite floats, lists, objects with plain keys) are written as they
are, so that SQL can read them. All others become an object with one key that starts with ``$`` and names
the type: ``{"$tuple": [1, 2]}``. Reading creates values of a fixed list of types and runs no foreign code,
unlike pickle.
"""

import base64
import json
import math
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa

from osiris_inspect.model.errors import SpillCorrupt
from osiris_inspect.runtime.frames.conversion import time_zones


def encode(cell: Any, not_restorable: set[str]) -> str:
    """Return the JSON text of ``cell``; a type without exact form is written as text.

    Adds such types to ``not_restorable``. Writes only ASCII, because a lone surrogate cannot be encoded as UTF-8
    but can be escaped.
    """
    return json.dumps(
        cell_to_json(cell, not_restorable), ensure_ascii=True, allow_nan=False, separators=(",", ":")
    )


def is_plain(cell: Any) -> bool:
    """Return True if a cell is a value of JSON, which is written as it is."""
    kind = type(cell)
    if kind is float:
        return math.isfinite(cell)
    if kind is list:
        return all(map(is_plain, cell))
    if kind is dict:
        return all(type(key) is str and not key.startswith("$") for key in cell) and all(
            map(is_plain, cell.values())
        )
    return kind in (str, int, bool, type(None))


def decode(text: str) -> Any:
    """Return the cell that ``encode`` wrote."""
    return cell_from_json(json.loads(text))


def cell_to_json(cell: Any, not_restorable: set[str]) -> Any:
    """Return ``cell`` as a JSON value; see ``encode``."""
    kind = type(cell)
    if kind in _PLAIN:
        return _PLAIN[kind](cell, not_restorable)
    if kind in _WRITERS:
        tag, write = _WRITERS[kind]
        return {tag: write(cell, not_restorable)}
    return _scalar(cell, not_restorable) if isinstance(cell, np.generic) else _stringify(cell, not_restorable)


def cell_from_json(value: Any) -> Any:
    """Return the cell that ``cell_to_json`` wrote.

    Raises:
        SpillCorrupt: an object has an unknown tag.
    """
    if isinstance(value, list):
        return [cell_from_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        tag, content = next(iter(value.items()))
        if tag.startswith("$"):
            return _read(tag, content)
    return {key: cell_from_json(item) for key, item in value.items()}


def _read(tag: str, content: Any) -> Any:
    reader = _READERS.get(tag)
    if reader is None:
        raise SpillCorrupt(
            f"cannot read a cell: unknown type {tag!r}", fix="upgrade if a newer version wrote it", type=tag
        )
    return reader(content)


def _dict(cell: dict[Any, Any], not_restorable: set[str]) -> Any:
    if all(type(key) is str and not key.startswith("$") for key in cell):
        return {key: cell_to_json(item, not_restorable) for key, item in cell.items()}
    return {
        "$dict": [
            [cell_to_json(key, not_restorable), cell_to_json(item, not_restorable)]
            for key, item in cell.items()
        ]
    }


def _items(cell: Any, not_restorable: set[str]) -> list[Any]:
    return [cell_to_json(item, not_restorable) for item in cell]


def _sorted_items(cell: Any, not_restorable: set[str]) -> list[Any]:
    """Return the items of a set in the order of their JSON text, so that equal sets give equal bytes."""
    return sorted(_items(cell, not_restorable), key=lambda item: json.dumps(item, sort_keys=True))


def _stringify(cell: Any, not_restorable: set[str]) -> dict[str, Any]:
    kind = type(cell)
    not_restorable.add(f"{kind.__module__}.{kind.__qualname__}")
    return {"$lost": [f"{kind.__module__}.{kind.__qualname__}", str(cell)]}


def _datetime(cell: datetime, not_restorable: set[str]) -> Any:
    if cell.tzinfo is None:
        return [cell.isoformat(), cell.fold, None]
    zone = time_zones.to_json(cell.tzinfo)
    if zone is None:
        not_restorable.add(f"time zone {type(cell.tzinfo).__module__}.{type(cell.tzinfo).__qualname__}")
        return [cell.isoformat(), 0, None]
    offset = cell.utcoffset()
    return [cell.replace(tzinfo=None).isoformat(), cell.fold, zone, offset.total_seconds() if offset else 0]


def _read_datetime(content: list[Any]) -> datetime:
    text, fold, zone, *offset = content
    moment = datetime.fromisoformat(text)
    if zone is None:
        return moment.replace(fold=fold)
    return time_zones.localize(moment.replace(fold=fold), zone, timedelta(seconds=offset[0]))


def _zone(cell: time | pd.Timestamp, description: str, not_restorable: set[str]) -> Any:
    zone = None if cell.tzinfo is None else time_zones.to_json(cell.tzinfo)
    if cell.tzinfo is not None and zone is None:
        not_restorable.add(f"time zone of {description}")
    return zone


def _time(cell: time, not_restorable: set[str]) -> Any:
    zone = _zone(cell, "a time of day", not_restorable)
    return [cell.replace(tzinfo=None).isoformat(), cell.fold, zone]


def _read_time(content: list[Any]) -> time:
    text, fold, zone = content
    tz = None if zone is None else time_zones.from_json(zone)
    return time.fromisoformat(text).replace(fold=fold, tzinfo=tz)


def _timestamp(cell: pd.Timestamp, not_restorable: set[str]) -> Any:
    zone = _zone(cell, "a timestamp", not_restorable)
    naive = cell.tz_convert("UTC").tz_localize(None) if cell.tzinfo is not None else cell
    return [int(naive.asm8.view("i8")), cell.unit, zone]


def _read_timestamp(content: list[Any]) -> pd.Timestamp:
    ticks, unit, zone = content
    moment = pd.Timestamp(np.datetime64(ticks, unit)).as_unit(unit)
    if zone is None:
        return moment
    return moment.tz_localize("UTC").tz_convert(time_zones.from_json(zone))


def _read_timedelta(content: list[Any]) -> pd.Timedelta:
    ticks, unit = content
    return pd.Timedelta(np.timedelta64(ticks, unit)).as_unit(unit)


def _scalar(cell: Any, not_restorable: set[str]) -> Any:
    write = _SCALARS.get(cell.dtype.kind)
    return {"$numpy": [cell.dtype.str, write(cell)]} if write else _stringify(cell, not_restorable)


_SCALARS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys("biu", int),
    **dict.fromkeys("mM", lambda cell: int(cell.view("i8"))),
    **dict.fromkeys("fU", str),
    "c": lambda cell: [str(cell.real), str(cell.imag)],
    "S": lambda cell: base64.b64encode(bytes(cell)).decode(),
}


def _read_scalar(content: list[Any]) -> Any:
    dtype, value = np.dtype(content[0]), content[1]
    if dtype.kind == "S":
        value = base64.b64decode(value)
    if dtype.kind in "mM":
        return np.int64(value).view(dtype)
    if dtype.kind == "c":
        real = np.dtype(f"f{dtype.itemsize // 2}").type
        return dtype.type(real(value[0])) + dtype.type(1j) * dtype.type(real(value[1]))
    return dtype.type(value)


def _ndarray(cell: "np.ndarray[Any, Any]", not_restorable: set[str]) -> Any:
    if cell.dtype.kind == "O":
        return ["|O", list(cell.shape), _items(cell.ravel(), not_restorable)]
    if cell.dtype.kind == "V":
        return ["|O", list(cell.shape), [_stringify(item, not_restorable) for item in cell.ravel()]]
    return [cell.dtype.str, list(cell.shape), base64.b64encode(np.ascontiguousarray(cell).tobytes()).decode()]


def _read_ndarray(content: list[Any]) -> "np.ndarray[Any, Any]":
    dtype, shape, data = content
    if dtype == "|O":
        return np.fromiter((cell_from_json(item) for item in data), dtype=object).reshape(shape)
    return np.frombuffer(base64.b64decode(data), dtype=np.dtype(dtype)).reshape(shape).copy()


def _interval(cell: Any, not_restorable: set[str]) -> Any:
    return [cell_to_json(cell.left, not_restorable), cell_to_json(cell.right, not_restorable), cell.closed]


def _read_interval(content: list[Any]) -> Any:
    return pd.Interval(cell_from_json(content[0]), cell_from_json(content[1]), content[2])


def _read_period(content: list[Any]) -> Any:
    return pd.Period(ordinal=content[0], freq=content[1])


_PLAIN: dict[type, Callable[[Any, set[str]], Any]] = {
    **dict.fromkeys((str, int, bool, type(None)), lambda cell, _: cell),
    float: lambda cell, _: cell if math.isfinite(cell) else {"$float": repr(cell)},
    list: lambda cell, not_restorable: [cell_to_json(item, not_restorable) for item in cell],
    dict: _dict,
}

_WRITERS: dict[type, tuple[str, Callable[[Any, set[str]], Any]]] = {
    tuple: ("$tuple", _items),
    set: ("$set", _sorted_items),
    frozenset: ("$frozenset", _sorted_items),
    bytes: ("$bytes", lambda cell, _: base64.b64encode(cell).decode()),
    bytearray: ("$bytearray", lambda cell, _: base64.b64encode(cell).decode()),
    Decimal: ("$decimal", lambda cell, _: str(cell)),
    complex: ("$complex", lambda cell, _: [repr(cell.real), repr(cell.imag)]),
    date: ("$date", lambda cell, _: cell.isoformat()),
    datetime: ("$datetime", _datetime),
    time: ("$time", _time),
    timedelta: ("$timedelta", lambda cell, _: [cell.days, cell.seconds, cell.microseconds]),
    UUID: ("$uuid", lambda cell, _: str(cell)),
    range: ("$range", lambda cell, _: [cell.start, cell.stop, cell.step]),
    np.ndarray: ("$ndarray", _ndarray),
    pd.Timestamp: ("$timestamp", _timestamp),
    pd.Timedelta: ("$pandas_timedelta", lambda cell, _: [int(cell.asm8.view("i8")), cell.unit]),
    pd.Interval: ("$interval", _interval),
    pd.Period: ("$period", lambda cell, _: [cell.ordinal, cell.freqstr]),
    pa.MonthDayNano: ("$month_day_nano", lambda cell, _: list(cell)),
    type(pd.NaT): ("$nat", lambda _cell, _not_restorable: None),
    type(pd.NA): ("$na", lambda _cell, _not_restorable: None),
}

_READERS: dict[str, Callable[[Any], Any]] = {
    "$float": float,
    "$tuple": lambda items: tuple(cell_from_json(item) for item in items),
    "$set": lambda items: {cell_from_json(item) for item in items},
    "$frozenset": lambda items: frozenset(cell_from_json(item) for item in items),
    "$dict": lambda pairs: {cell_from_json(key): cell_from_json(item) for key, item in pairs},
    "$bytes": base64.b64decode,
    "$bytearray": lambda text: bytearray(base64.b64decode(text)),
    "$decimal": Decimal,
    "$complex": lambda parts: complex(float(parts[0]), float(parts[1])),
    "$date": date.fromisoformat,
    "$datetime": _read_datetime,
    "$time": _read_time,
    "$timedelta": lambda parts: timedelta(*parts),
    "$uuid": UUID,
    "$range": lambda parts: range(*parts),
    "$numpy": _read_scalar,
    "$ndarray": _read_ndarray,
    "$timestamp": _read_timestamp,
    "$pandas_timedelta": _read_timedelta,
    "$interval": _read_interval,
    "$period": _read_period,
    "$month_day_nano": pa.MonthDayNano,
    "$nat": lambda _: pd.NaT,
    "$na": lambda _: pd.NA,
    "$lost": lambda content: content[1],
}

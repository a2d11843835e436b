"""Conversion of pandas extension columns: text, nullable numbers, zoned timestamps, periods, Arrow."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa

from osiris_inspect.runtime.frames.conversion import arrow_types, object_columns, time_zones
from osiris_inspect.runtime.frames.conversion.column_plan import ColumnPlan, Planner, Reader
from osiris_inspect.runtime.frames.conversion.natural import Natural
from osiris_inspect.runtime.frames.conversion.natural_cells import json_text
from osiris_inspect.runtime.frames.conversion.numpy_columns import (
    as_integers,
    encode_as_integers,
    encode_datetimes,
    fits_microseconds,
    iso_texts,
)


def _plan_zoned(values: Any) -> ColumnPlan:
    unit, zone = values.dtype.unit, time_zones.to_json(values.dtype.tz)
    info = {"form": "zoned", "unit": unit, "tz": zone}
    not_restorable = (
        set() if zone is not None else {f"time zone {values.dtype.tz!r}; its timestamps are restored in UTC"}
    )
    if not fits_microseconds(values.view("i8"), unit):
        return ColumnPlan(
            pa.large_string(),
            info | {"form": "zoned ticks"},
            lambda chunk: iso_texts(_utc(chunk)),
            {"ticks": (pa.int64(), lambda chunk: encode_as_integers(_utc(chunk)))},
            not_restorable,
        )
    name = time_zones.zone_name(values.dtype.tz)
    kind = pa.timestamp("ns" if unit == "ns" else "us", name)
    return ColumnPlan(
        kind,
        info,
        lambda chunk: encode_datetimes(_utc(chunk), pa.timestamp(kind.unit)).cast(kind),
        not_restorable=not_restorable,
    )


def _utc(values: Any) -> "np.ndarray[Any, Any]":
    return np.asarray(values.view("i8")).view(f"M8[{values.dtype.unit}]")


def _plan_strings(values: Any) -> ColumnPlan:
    dtype = values.dtype
    missing = "NA" if dtype.na_value is pd.NA else "nan"
    info = {"form": "string", "storage": dtype.storage.removesuffix("_numpy"), "missing": missing}
    if dtype.storage == "python" and not _is_utf8(values):
        column = object_columns.plan(np.asarray(values, dtype=object))
        return replace(
            column,
            encode=lambda chunk: column.encode(np.asarray(chunk, dtype=object)),
            restore_info=info | {"form": "string objects", "inner": dict(column.restore_info)},
        )
    return ColumnPlan(pa.large_string(), info, _strings)


def _is_utf8(values: Any) -> bool:
    try:
        rows = arrow_types.rows_per_slice(
            len(values), lambda positions: int(_strings(values[positions]).nbytes)
        )
        for start in range(0, len(values), rows):
            _strings(values[start : start + rows])
    except UnicodeEncodeError:
        return False
    return True


def _strings(values: Any) -> pa.Array:
    if hasattr(values, "__arrow_array__"):
        return arrow_types.single_array(pa.array(values, type=pa.large_string()))
    return pa.array(np.asarray(values, dtype=object), type=pa.large_string(), from_pandas=True)


def _plan_masked(values: Any) -> ColumnPlan:
    kind = pa.array(values[:0]).type
    return ColumnPlan(
        kind, {"form": "masked", "dtype": str(values.dtype)}, lambda chunk: pa.array(chunk, type=kind)
    )


def _plan_arrow(values: Any) -> ColumnPlan:
    original = values.dtype.pyarrow_dtype
    return plan_arrow(original, {"form": "arrow", "type": arrow_types.type_to_text(original)}, pa.array)


def plan_arrow(original: pa.DataType, info: dict[str, Any], take: Callable[[Any], Any]) -> ColumnPlan:
    """Return the plan of an Arrow column; ``take`` returns the array of a slice."""
    if original == pa.uuid():
        return ColumnPlan(
            pa.large_string(),
            info | {"cells": "uuid"},
            lambda chunk: _uuid_texts(arrow_types.single_array(take(chunk))),
            natural=Natural("uuid"),
        )
    kind = arrow_types.storage_type(original)
    if pa.types.is_decimal256(original) and kind is None:
        return ColumnPlan(
            pa.large_string(),
            info | {"cells": "decimal text"},
            lambda chunk: object_columns.decimal_texts(arrow_types.single_array(take(chunk)).to_pylist()),
            natural=Natural("decimal", f"{original.precision},{original.scale}"),
        )
    if kind is None:
        return _plan_json(original, info, take)
    if pa.types.is_duration(original):
        natural = Natural("duration", original.unit)
    else:
        natural = Natural("interval") if original == pa.month_day_nano_interval() else Natural()
    return ColumnPlan(
        kind,
        info,
        lambda chunk: arrow_types.to_storage(arrow_types.single_array(take(chunk)), kind),
        natural=natural,
    )


def _plan_json(original: pa.DataType, info: dict[str, Any], take: Callable[[Any], Any]) -> ColumnPlan:
    """Return the plan of a type that DuckDB does not read from Parquet: natural JSON, and the exact cells."""
    not_restorable: set[str] = set()

    def cells(chunk: Any) -> list[Any]:
        values: list[Any] = arrow_types.single_array(take(chunk)).to_pylist()
        return values

    is_nested = pa.types.is_nested(original)
    return ColumnPlan(
        pa.large_string(),
        info | {"cells": "exact"},
        lambda chunk: _json_texts(cells(chunk)),
        {"exact": (pa.large_string(), lambda chunk: object_columns.json_array(cells(chunk), not_restorable))},
        not_restorable,
        Natural("json") if is_nested else Natural("none", reason=arrow_types.type_name(original)),
    )


def _uuid_texts(array: pa.Array) -> pa.Array:
    return pa.array([None if cell is None else str(cell) for cell in array.to_pylist()], pa.large_string())


def _json_texts(cells: list[Any]) -> pa.Array:
    return pa.array([None if cell is None else json_text(cell) for cell in cells], pa.large_string())


def _plan_periods(values: Any) -> ColumnPlan:
    info = {"form": "period", "freq": values.dtype.name.removeprefix("period[").removesuffix("]")}

    def ordinals(chunk: Any) -> pa.Array:
        return encode_as_integers(np.asarray(chunk.view("i8")).view("m8[ns]"))

    return ColumnPlan(pa.large_string(), info, _period_texts, {"ordinals": (pa.int64(), ordinals)})


def _period_texts(chunk: Any) -> pa.Array:
    return pa.array([None if period is pd.NaT else str(period) for period in chunk], pa.large_string())


def _read_zoned(array: Any, info: Mapping[str, Any], hidden: Mapping[str, Any]) -> Any:
    array = hidden.get("ticks", array)
    unit = info["unit"] if info["form"] == "zoned ticks" else array.type.unit
    timestamps = (
        pd.DatetimeIndex(as_integers(array).view(f"M8[{unit}]")).as_unit(info["unit"]).tz_localize("UTC")
    )
    return (
        timestamps.array
        if info["tz"] is None
        else timestamps.tz_convert(time_zones.from_json(info["tz"])).array
    )


def _read_strings(array: Any, info: Mapping[str, Any], _hidden: Mapping[str, Any]) -> Any:
    chunked = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
    return _string_dtype(info).__from_arrow__(chunked)


def _string_dtype(info: Mapping[str, Any]) -> Any:
    if info["missing"] == "NA":
        return pd.StringDtype(info["storage"])
    if _TEXT_WITH_NAN:
        return pd.StringDtype(info["storage"], na_value=np.nan)
    return pd.StringDtype("pyarrow_numpy")


_TEXT_WITH_NAN = "na_value" in inspect.signature(pd.StringDtype).parameters
"""False in pandas 2.2, where text with NaN has another name and is always stored in Arrow memory."""


def _read_string_objects(array: Any, info: Mapping[str, Any], hidden: Mapping[str, Any]) -> Any:
    return pd.array(object_columns.restore(array, info["inner"], hidden), dtype=_string_dtype(info))


def _read_masked(array: Any, info: Mapping[str, Any], _hidden: Mapping[str, Any]) -> Any:
    dtype: Any = pd.api.types.pandas_dtype(info["dtype"])
    return dtype.__from_arrow__(array)


def _read_arrow(array: Any, info: Mapping[str, Any], hidden: Mapping[str, Any]) -> Any:
    chunked = arrow_values(hidden.get("exact", array), info)
    dtype: Any = pd.ArrowDtype(chunked.type)
    return dtype.__from_arrow__(chunked)


def arrow_values(array: Any, info: Mapping[str, Any]) -> pa.ChunkedArray:
    """Return a stored column in its original Arrow type."""
    kind = arrow_types.type_from_text(info["type"])
    if info.get("cells") == "decimal text":
        array = pa.array(object_columns.decimals_of(array), type=kind)
    if info.get("cells") == "uuid":
        cells = [None if text is None else UUID(text).bytes for text in array.to_pylist()]
        array = pa.array(cells, type=kind.storage_type).cast(kind)
    if info.get("cells") in ("json", "exact"):
        array = pa.array(object_columns.json_values(array), type=kind)
    back = arrow_types.from_storage(array, kind)
    return back if isinstance(back, pa.ChunkedArray) else pa.chunked_array([back])


def _read_period(array: Any, info: Mapping[str, Any], hidden: Mapping[str, Any]) -> Any:
    return pd.arrays.PeriodArray(
        as_integers(hidden.get("ordinals", array)), dtype=pd.PeriodDtype(info["freq"])
    )


MASKED: tuple[type, ...] = (
    pd.BooleanDtype,
    pd.Float32Dtype,
    pd.Float64Dtype,
    pd.Int8Dtype,
    pd.Int16Dtype,
    pd.Int32Dtype,
    pd.Int64Dtype,
    pd.UInt8Dtype,
    pd.UInt16Dtype,
    pd.UInt32Dtype,
    pd.UInt64Dtype,
)
"""Nullable numbers and booleans."""

PLANNERS: dict[type, Planner] = {
    pd.DatetimeTZDtype: _plan_zoned,
    pd.StringDtype: _plan_strings,
    pd.ArrowDtype: _plan_arrow,
    pd.PeriodDtype: _plan_periods,
    **dict.fromkeys(MASKED, _plan_masked),
}

READERS: dict[str, Reader] = {
    "zoned": _read_zoned,
    "zoned ticks": _read_zoned,
    "string": _read_strings,
    "string objects": _read_string_objects,
    "masked": _read_masked,
    "arrow": _read_arrow,
    "period": _read_period,
}

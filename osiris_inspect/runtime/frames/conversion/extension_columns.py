"""Columns of pandas' own types that hold plain values: text, numbers with gaps, moments with a zone, periods, Arrow."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from osiris_inspect.runtime.frames.conversion import arrow_types as arrow_form
from osiris_inspect.runtime.frames.conversion import object_columns as objects
from osiris_inspect.runtime.frames.conversion import time_zones as zones
from osiris_inspect.runtime.frames.conversion.column_plan import ColumnPlan, Planner, Reader
from osiris_inspect.runtime.frames.conversion.numpy_columns import (
    as_integers,
    encode_as_integers,
    encode_datetimes,
    fits_microseconds,
)


def _plan_zoned(values: Any) -> ColumnPlan:
    unit, zone = values.dtype.unit, zones.to_json(values.dtype.tz)
    facts = {"form": "zoned", "unit": unit, "tz": zone}
    lost = set() if zone is not None else {f"time zone {values.dtype.tz!r}; the moments are kept in UTC"}
    if not fits_microseconds(values.view("i8"), unit):
        return ColumnPlan(
            pa.int64(),
            facts | {"form": "zoned ticks"},
            lambda part: encode_as_integers(_utc(part)),
            not_restorable=lost,
        )
    name = zones.zone_name(values.dtype.tz)
    kind = pa.timestamp("ns" if unit == "ns" else "us", name)
    return ColumnPlan(
        kind,
        facts,
        lambda part: encode_datetimes(_utc(part), pa.timestamp(kind.unit)).cast(kind),
        not_restorable=lost,
    )


def _utc(values: Any) -> "np.ndarray[Any, Any]":
    return np.asarray(values.view("i8")).view(f"M8[{values.dtype.unit}]")


def _plan_strings(values: Any) -> ColumnPlan:
    dtype = values.dtype
    missing = "NA" if dtype.na_value is pd.NA else "nan"
    facts = {"form": "string", "storage": dtype.storage.removesuffix("_numpy"), "missing": missing}
    if dtype.storage == "python" and not _is_utf8(values):
        column = objects.plan(np.asarray(values, dtype=object))
        return replace(
            column,
            encode=lambda part: column.encode(np.asarray(part, dtype=object)),
            restore_info={"form": "string objects", "inner": dict(column.restore_info)}
            | facts
            | {"form": "string objects"},
        )
    return ColumnPlan(pa.large_string(), facts, _strings)


def _is_utf8(values: Any) -> bool:
    try:
        for start in range(0, len(values), arrow_form.ROWS_PER_SLICE):
            _strings(values[start : start + arrow_form.ROWS_PER_SLICE])
    except UnicodeEncodeError:
        return False
    return True


def _strings(values: Any) -> pa.Array:
    if hasattr(values, "__arrow_array__"):
        return arrow_form.single_array(pa.array(values, type=pa.large_string()))
    return pa.array(np.asarray(values, dtype=object), type=pa.large_string(), from_pandas=True)


def _plan_masked(values: Any) -> ColumnPlan:
    kind = pa.array(values[:0]).type
    return ColumnPlan(
        kind, {"form": "masked", "dtype": str(values.dtype)}, lambda part: pa.array(part, type=kind)
    )


def _plan_arrow(values: Any) -> ColumnPlan:
    original = values.dtype.pyarrow_dtype
    return plan_arrow(original, {"form": "arrow", "type": arrow_form.type_to_text(original)}, pa.array)


def plan_arrow(original: pa.DataType, facts: dict[str, Any], take: Callable[[Any], Any]) -> ColumnPlan:
    """How a column that is Arrow already is kept; ``take`` gives its array."""
    kind = arrow_form.storage_type(original)
    if pa.types.is_decimal256(original) and kind is None:
        return ColumnPlan(
            pa.large_string(),
            facts | {"cells": "decimal text"},
            lambda part: objects.decimal_texts(arrow_form.single_array(take(part)).to_pylist()),
        )
    if kind is None:
        lost: set[str] = set()
        return ColumnPlan(
            pa.large_string(),
            facts | {"cells": "json"},
            lambda part: objects.json_array(arrow_form.single_array(take(part)).to_pylist(), lost),
            not_restorable=lost,
        )
    return ColumnPlan(
        kind, facts, lambda part: arrow_form.to_storage(arrow_form.single_array(take(part)), kind)
    )


def _plan_periods(values: Any) -> ColumnPlan:
    facts = {"form": "period", "freq": values.dtype.name.removeprefix("period[").removesuffix("]")}
    return ColumnPlan(
        pa.int64(), facts, lambda part: encode_as_integers(np.asarray(part.view("i8")).view("m8[ns]"))
    )


def _read_zoned(array: Any, facts: Mapping[str, Any], _beside: Mapping[str, Any]) -> Any:
    unit = facts["unit"] if facts["form"] == "zoned ticks" else array.type.unit
    moments = (
        pd.DatetimeIndex(as_integers(array).view(f"M8[{unit}]")).as_unit(facts["unit"]).tz_localize("UTC")
    )
    return moments.array if facts["tz"] is None else moments.tz_convert(zones.from_json(facts["tz"])).array


def _read_strings(array: Any, facts: Mapping[str, Any], _beside: Mapping[str, Any]) -> Any:
    chunked = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
    return _string_dtype(facts).__from_arrow__(chunked)


def _string_dtype(facts: Mapping[str, Any]) -> Any:
    if facts["missing"] == "NA":
        return pd.StringDtype(facts["storage"])
    if _TEXT_WITH_NAN:
        return pd.StringDtype(facts["storage"], na_value=np.nan)
    return pd.StringDtype("pyarrow_numpy")


_TEXT_WITH_NAN = "na_value" in inspect.signature(pd.StringDtype).parameters
"""Pandas 2.2 has text with NaN under another name, and only in Arrow's memory."""


def _read_string_objects(array: Any, facts: Mapping[str, Any], beside: Mapping[str, Any]) -> Any:
    return pd.array(objects.restore(array, facts["inner"], beside), dtype=_string_dtype(facts))


def _read_masked(array: Any, facts: Mapping[str, Any], _beside: Mapping[str, Any]) -> Any:
    dtype: Any = pd.api.types.pandas_dtype(facts["dtype"])
    return dtype.__from_arrow__(array)


def _read_arrow(array: Any, facts: Mapping[str, Any], _beside: Mapping[str, Any]) -> Any:
    chunked = arrow_values(array, facts)
    dtype: Any = pd.ArrowDtype(chunked.type)
    return dtype.__from_arrow__(chunked)


def arrow_values(array: Any, facts: Mapping[str, Any]) -> pa.ChunkedArray:
    """A column of the normal form in the Arrow type it had."""
    kind = arrow_form.type_from_text(facts["type"])
    if facts.get("cells") == "decimal text":
        array = pa.array(objects.decimals_of(array), type=kind)
    if facts.get("cells") == "json":
        array = pa.array(objects.json_values(array), type=kind)
    back = arrow_form.from_storage(array, kind)
    return back if isinstance(back, pa.ChunkedArray) else pa.chunked_array([back])


def _read_period(array: Any, facts: Mapping[str, Any], _beside: Mapping[str, Any]) -> Any:
    return pd.arrays.PeriodArray(as_integers(array), dtype=pd.PeriodDtype(facts["freq"]))


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
"""Numbers and truth values with gaps."""

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

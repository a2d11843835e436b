"""One pandas column as an Arrow array in normal form, and back: which form it takes, and what restores it.

``plan`` looks at a whole column once; the ``Column`` it gives encodes slices of it. ``restore`` undoes it from the facts
alone, which are JSON. ``beside`` holds what only pandas needs (which kind of nothing a gap was): it does not stand among
the columns that SQL sees.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from osiris_inspect.model.errors import SpillDamaged
from osiris_inspect.runtime import arrow_form, objects, zones
from osiris_inspect.runtime.column import Column, Encoder

_US_LIMIT = {"s": 2**63 // 1_000_000 - 1, "ms": 2**63 // 1_000 - 1}


def plan(values: Any) -> Column:
    """How the column ``values`` (what ``Series.array`` or ``Index.array`` gives) is kept."""
    dtype = values.dtype
    if isinstance(dtype, np.dtype):
        return _plan_numpy(np.asarray(values), dtype)
    if type(values) is pd.arrays.NumpyExtensionArray:  # text of pandas is a subclass of it
        return _plan_numpy(values.to_numpy(), values.to_numpy().dtype)
    for kind, planner in _EXTENSIONS.items():
        if isinstance(dtype, kind):
            return planner(values)
    column = objects.plan(np.asarray(values, dtype=object))
    column.lost.add(f"dtype {dtype} of {type(dtype).__module__}")
    return replace(column, encode=lambda part: column.encode(np.asarray(part, dtype=object)))


def restore(array: Any, facts: Mapping[str, Any], beside: Mapping[str, Any]) -> Any:
    """The values of a column for pandas.

    Raises:
        SpillDamaged: the facts speak of a form we do not know.
    """
    reader = _READERS.get(facts["form"])
    if reader is None:
        raise SpillDamaged(f"a column in the unknown form {facts['form']!r}; was it written by a newer version?")
    return reader(array, facts, beside)


def _plan_numpy(values: "np.ndarray[Any, Any]", dtype: "np.dtype[Any]") -> Column:
    kind = dtype.kind
    if kind == "O":
        return objects.plan(values)
    if kind == "M":
        return _plan_moments(values, dtype)
    if kind == "m":
        return Column(pa.int64(), _numpy_facts("timedelta", dtype), _ticks)
    if kind == "c":
        return _plan_complex(dtype)
    if kind == "f" and dtype.itemsize > 8:
        return Column(pa.large_string(), _numpy_facts("text number", dtype), _text_numbers)
    if kind in "biuf":
        native = pa.from_numpy_dtype(dtype.newbyteorder("=")) if dtype.itemsize != 2 or kind != "f" else pa.float32()
        return Column(native, _numpy_facts("numpy", dtype), _native(native))
    return objects.plan(values.astype(object))


def _numpy_facts(form: str, dtype: "np.dtype[Any]") -> dict[str, Any]:
    return {"form": form, "dtype": dtype.str}


def _native(kind: pa.DataType) -> Encoder:
    wanted = kind.to_pandas_dtype()

    def encode(values: Any) -> pa.Array:
        part = np.asarray(values)
        if part.dtype != wanted or not part.dtype.isnative:
            part = part.astype(wanted)
        return pa.array(part, type=kind, from_pandas=True)

    return encode


def _plan_moments(values: "np.ndarray[Any, Any]", dtype: "np.dtype[Any]") -> Column:
    unit = np.datetime_data(dtype)[0]
    facts = _numpy_facts("datetime", dtype)
    if not _fits_microseconds(values.view("i8"), unit):
        return Column(pa.int64(), _numpy_facts("datetime ticks", dtype), _ticks)
    kind = pa.timestamp("ns" if unit == "ns" else "us")
    return Column(kind, facts, lambda part: _moments(part, kind))


def _fits_microseconds(ticks: "np.ndarray[Any, Any]", unit: str) -> bool:
    limit = _US_LIMIT.get(unit)
    if limit is None:
        return True
    real = ticks[ticks != np.iinfo("i8").min]
    return not len(real) or (int(real.max()) <= limit and int(real.min()) >= -limit)


def _moments(values: Any, kind: pa.DataType) -> pa.Array:
    part = np.asarray(values)
    array = pa.array(part.astype(part.dtype.newbyteorder("=")) if not part.dtype.isnative else part)
    return array if array.type == kind else array.cast(kind)


def _ticks(values: Any) -> pa.Array:
    part = np.asarray(values)
    native = part.astype(part.dtype.newbyteorder("=")) if not part.dtype.isnative else part
    ticks = np.ascontiguousarray(native).view("i8")
    return pa.array(ticks, mask=ticks == np.iinfo("i8").min)


def _plan_complex(dtype: "np.dtype[Any]") -> Column:
    if dtype.itemsize > 16:
        kind = pa.struct([("real", pa.large_string()), ("imag", pa.large_string())])
        return Column(kind, _numpy_facts("complex text", dtype), lambda part: _complex(part, kind, _all_text_numbers))
    half = pa.float32() if dtype.itemsize == 8 else pa.float64()
    kind = pa.struct([("real", half), ("imag", half)])
    return Column(kind, _numpy_facts("complex", dtype), lambda part: _complex(part, kind, _native_kept(half)))


def _native_kept(kind: pa.DataType) -> Encoder:
    return lambda values: pa.array(np.ascontiguousarray(values, dtype=kind.to_pandas_dtype()), from_pandas=False)


def _complex(values: Any, kind: pa.DataType, encode: Encoder) -> pa.Array:
    part = np.asarray(values)
    return pa.StructArray.from_arrays([encode(part.real), encode(part.imag)], fields=list(kind))


def _text_numbers(values: Any) -> pa.Array:
    part = np.asarray(values)
    return pa.array([None if number != number else str(number) for number in part], type=pa.large_string())


def _all_text_numbers(values: Any) -> pa.Array:
    return pa.array([str(number) for number in np.asarray(values)], type=pa.large_string())


# -- extension types ---------------------------------------------------------------------------------------------------


def _plan_zoned(values: Any) -> Column:
    unit, zone = values.dtype.unit, zones.to_json(values.dtype.tz)
    facts = {"form": "zoned", "unit": unit, "tz": zone}
    lost = set() if zone is not None else {f"time zone {values.dtype.tz!r}; the moments are kept in UTC"}
    if not _fits_microseconds(values.view("i8"), unit):
        return Column(pa.int64(), facts | {"form": "zoned ticks"}, lambda part: _ticks(_utc(part)), lost=lost)
    name = zones.name(values.dtype.tz)
    kind = pa.timestamp("ns" if unit == "ns" else "us", name)
    return Column(kind, facts, lambda part: _moments(_utc(part), pa.timestamp(kind.unit)).cast(kind), lost=lost)


def _utc(values: Any) -> "np.ndarray[Any, Any]":
    return np.asarray(values.view("i8")).view(f"M8[{values.dtype.unit}]")


def _plan_strings(values: Any) -> Column:
    dtype = values.dtype
    missing = "NA" if dtype.na_value is pd.NA else "nan"
    facts = {"form": "string", "storage": dtype.storage.removesuffix("_numpy"), "missing": missing}
    if dtype.storage == "python" and not _is_utf8(values):
        column = objects.plan(np.asarray(values, dtype=object))
        return replace(
            column,
            encode=lambda part: column.encode(np.asarray(part, dtype=object)),
            facts={"form": "string objects", "inner": dict(column.facts)} | facts | {"form": "string objects"},
        )
    return Column(pa.large_string(), facts, _strings)


def _is_utf8(values: Any) -> bool:
    try:
        for start in range(0, len(values), arrow_form.ROWS_PER_SLICE):
            _strings(values[start : start + arrow_form.ROWS_PER_SLICE])
    except UnicodeEncodeError:
        return False
    return True


def _strings(values: Any) -> pa.Array:
    if hasattr(values, "__arrow_array__"):
        return arrow_form.one_array(pa.array(values, type=pa.large_string()))
    return pa.array(np.asarray(values, dtype=object), type=pa.large_string(), from_pandas=True)


def _plan_masked(values: Any) -> Column:
    kind = pa.array(values[:0]).type
    return Column(kind, {"form": "masked", "dtype": str(values.dtype)}, lambda part: pa.array(part, type=kind))


def _plan_arrow(values: Any) -> Column:
    original = values.dtype.pyarrow_dtype
    return plan_arrow(original, {"form": "arrow", "type": arrow_form.write_type(original)}, pa.array)


def plan_arrow(original: pa.DataType, facts: dict[str, Any], take: Callable[[Any], Any]) -> Column:
    """How a column that is Arrow already is kept; ``take`` gives its array."""
    kind = arrow_form.normal_type(original)
    if kind is None:
        lost: set[str] = set()
        return Column(
            pa.large_string(),
            facts | {"cells": "json"},
            lambda part: objects.json_array(arrow_form.one_array(take(part)).to_pylist(), lost),
            lost=lost,
        )
    return Column(kind, facts, lambda part: arrow_form.to_normal(arrow_form.one_array(take(part)), kind))


def _plan_periods(values: Any) -> Column:
    facts = {"form": "period", "freq": values.dtype.name.removeprefix("period[").removesuffix("]")}
    return Column(pa.int64(), facts, lambda part: _ticks(np.asarray(part.view("i8")).view("m8[ns]")))


def _plan_intervals(values: Any) -> Column:
    inner = plan(values.left.array)
    kind = pa.struct([("left", inner.type), ("right", inner.type)])
    facts = {"form": "interval", "closed": values.closed, "inner": dict(inner.facts)}
    return Column(kind, facts, lambda part: _intervals(part, inner, kind))


def _intervals(values: Any, inner: Column, kind: pa.DataType) -> pa.Array:
    sides = [inner.encode(values.left.array), inner.encode(values.right.array)]
    return pa.StructArray.from_arrays(sides, fields=list(kind), mask=pa.array(np.asarray(values.isna())))


def _plan_sparse(values: Any) -> Column:
    from osiris_inspect.runtime import cells

    lost: set[str] = set()
    dense = plan(_dense(values))
    facts = {
        "form": "sparse",
        "fill": cells.to_json(values.dtype.fill_value, lost),
        "subtype": values.dtype.subtype.str,
        "inner": dict(dense.facts),
    }
    return replace(dense, facts=facts, encode=lambda part: dense.encode(_dense(part)), lost=lost | dense.lost)


def _dense(values: Any) -> Any:
    return np.asarray(values.to_dense() if hasattr(values, "to_dense") else values).astype(values.dtype.subtype)


def _plan_categories(values: Any) -> Column:
    from osiris_inspect.runtime import index_form

    labels = _labels(values.categories)
    packed = index_form.pack(values.categories)
    facts = {
        "form": "category",
        "ordered": bool(values.ordered),
        "categories": packed.facts,
    }
    kind = arrow_form.WORDS if labels.type == pa.large_string() else labels.type
    words = labels.cast(pa.string()) if kind != labels.type else labels

    def encode(part: Any) -> pa.Array:
        codes = np.asarray(part.codes, dtype="i4")
        indices = pa.array(codes, mask=codes < 0)
        if kind == labels.type:
            return labels.take(indices)
        return pa.DictionaryArray.from_arrays(indices, words)

    return Column(kind, facts, encode, lost=set(packed.lost))


def _labels(categories: pd.Index) -> pa.Array:
    """What SQL sees of each category: the value where a plain type holds it, else its text."""
    inner = plan(categories.array)
    if inner.facts["form"] in ("string", "numpy", "datetime") or inner.facts.get("cells") == "str":
        return inner.encode(categories.array)
    texts = [str(category) for category in categories]
    if len(set(texts)) < len(texts):
        lost: set[str] = set()
        return objects.json_array(list(categories), lost)
    return objects.text_array(texts)


# -- back --------------------------------------------------------------------------------------------------------------


def _read_numpy(array: Any, facts: Mapping[str, Any], _beside: Mapping[str, Any]) -> Any:
    dtype = np.dtype(facts["dtype"])
    values = array.to_numpy() if isinstance(array, pa.ChunkedArray) else array.to_numpy(zero_copy_only=False)
    values = values.astype(dtype, copy=False)
    return values if values.flags.writeable else values.copy()


def _read_datetime(array: Any, facts: Mapping[str, Any], _beside: Mapping[str, Any]) -> Any:
    unit = array.type.unit
    return _ticks_of(array).view(f"M8[{unit}]").astype(np.dtype(facts["dtype"]), copy=False)


def _ticks_of(array: Any) -> "np.ndarray[Any, Any]":
    """The 64-bit numbers of a column, with gaps as pandas writes them (NaT)."""
    ticks = array.cast(pa.int64()) if array.type != pa.int64() else array
    if ticks.null_count:
        ticks = pc.fill_null(ticks, pa.scalar(np.iinfo("i8").min, pa.int64()))
    values = ticks.to_numpy() if isinstance(ticks, pa.ChunkedArray) else ticks.to_numpy(zero_copy_only=False)
    return values if values.flags.writeable else values.copy()


def _read_ticks(array: Any, facts: Mapping[str, Any], _beside: Mapping[str, Any]) -> Any:
    dtype = np.dtype(facts["dtype"])
    return _ticks_of(array).view(dtype.newbyteorder("=")).astype(dtype, copy=False)


def _read_zoned(array: Any, facts: Mapping[str, Any], _beside: Mapping[str, Any]) -> Any:
    unit = facts["unit"] if facts["form"] == "zoned ticks" else array.type.unit
    moments = pd.DatetimeIndex(_ticks_of(array).view(f"M8[{unit}]")).as_unit(facts["unit"]).tz_localize("UTC")
    return moments.array if facts["tz"] is None else moments.tz_convert(zones.from_json(facts["tz"])).array


def _read_complex(array: Any, facts: Mapping[str, Any], _beside: Mapping[str, Any]) -> Any:
    whole = arrow_form.one_array(array)
    real, imag = (whole.field(name).to_numpy(zero_copy_only=False) for name in ("real", "imag"))
    dtype = np.dtype(facts["dtype"])
    values = np.empty(len(whole), dtype=dtype)
    values.real, values.imag = _numbers(real, dtype), _numbers(imag, dtype)
    return values


def _numbers(values: Any, dtype: "np.dtype[Any]") -> Any:
    part = np.dtype(f"f{dtype.itemsize // 2}")
    return np.array([part.type(text) for text in values], dtype=part) if values.dtype.kind == "O" else values


def _read_text_numbers(array: Any, facts: Mapping[str, Any], _beside: Mapping[str, Any]) -> Any:
    dtype = np.dtype(facts["dtype"])
    return np.array([dtype.type("nan" if text is None else text) for text in array.to_pylist()], dtype=dtype)


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
    return pd.ArrowDtype(chunked.type).__from_arrow__(chunked)


def arrow_values(array: Any, facts: Mapping[str, Any]) -> pa.ChunkedArray:
    """A column of the normal form in the Arrow type it had."""
    kind = arrow_form.read_type(facts["type"])
    if facts.get("cells") == "json":
        array = pa.array(objects.json_values(array), type=kind)
    back = arrow_form.from_normal(array, kind)
    return back if isinstance(back, pa.ChunkedArray) else pa.chunked_array([back])


def _read_period(array: Any, facts: Mapping[str, Any], _beside: Mapping[str, Any]) -> Any:
    return pd.arrays.PeriodArray(_ticks_of(array), dtype=pd.PeriodDtype(facts["freq"]))


def _read_interval(array: Any, facts: Mapping[str, Any], _beside: Mapping[str, Any]) -> Any:
    whole = arrow_form.one_array(array)
    left, right = (
        restore(pa.chunked_array([whole.field(side)]), facts["inner"], {}) for side in ("left", "right")
    )
    return pd.arrays.IntervalArray.from_arrays(left, right, closed=facts["closed"])


def _read_sparse(array: Any, facts: Mapping[str, Any], beside: Mapping[str, Any]) -> Any:
    from osiris_inspect.runtime import cells

    fill = cells.from_json(facts["fill"])
    dtype = pd.SparseDtype(np.dtype(facts["subtype"]), fill)
    return pd.arrays.SparseArray(restore(array, facts["inner"], beside), fill_value=fill, dtype=dtype)


def _read_category(array: Any, facts: Mapping[str, Any], _beside: Mapping[str, Any]) -> Any:
    from osiris_inspect.runtime import index_form

    categories = index_form.unpack(facts["categories"])
    codes = _codes(array, _labels(categories))
    return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(categories, ordered=facts["ordered"]))


def _codes(array: Any, labels: pa.Array) -> "np.ndarray[Any, Any]":
    chunks = array.chunks if isinstance(array, pa.ChunkedArray) else [array]
    parts = [_codes_of(chunk, labels) for chunk in chunks]
    return np.concatenate(parts) if parts else np.empty(0, dtype="i4")


def _codes_of(chunk: pa.Array, labels: pa.Array) -> "np.ndarray[Any, Any]":
    if pa.types.is_dictionary(chunk.type):
        places = pc.index_in(chunk.dictionary.cast(labels.type), value_set=labels).take(chunk.indices)
    else:
        places = pc.index_in(chunk, value_set=labels, skip_nulls=True)
    if places.null_count != chunk.null_count:
        raise SpillDamaged("a category that is not in the list of categories")
    return pc.fill_null(places, -1).to_numpy(zero_copy_only=False)


_EXTENSIONS: dict[type, Callable[[Any], Column]] = {
    pd.DatetimeTZDtype: _plan_zoned,
    pd.StringDtype: _plan_strings,
    pd.CategoricalDtype: _plan_categories,
    pd.ArrowDtype: _plan_arrow,
    pd.PeriodDtype: _plan_periods,
    pd.IntervalDtype: _plan_intervals,
    pd.SparseDtype: _plan_sparse,
    **{
        dtype: _plan_masked
        for dtype in (
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
    },
}

_READERS: dict[str, Callable[[Any, Mapping[str, Any], Mapping[str, Any]], Any]] = {
    "numpy": _read_numpy,
    "datetime": _read_datetime,
    "datetime ticks": _read_ticks,
    "timedelta": _read_ticks,
    "zoned": _read_zoned,
    "zoned ticks": _read_zoned,
    "complex": _read_complex,
    "complex text": _read_complex,
    "text number": _read_text_numbers,
    "string": _read_strings,
    "string objects": _read_string_objects,
    "masked": _read_masked,
    "arrow": _read_arrow,
    "period": _read_period,
    "interval": _read_interval,
    "sparse": _read_sparse,
    "category": _read_category,
    "objects": objects.restore,
}

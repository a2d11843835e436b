"""Columns of numpy: numbers, moments and durations, of any width and byte order."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from osiris_inspect.runtime.frames.conversion import arrow_types as arrow_form
from osiris_inspect.runtime.frames.conversion import object_columns as objects
from osiris_inspect.runtime.frames.conversion.column_plan import ColumnPlan, Encoder, Reader

_US_LIMIT = {"s": 2**63 // 1_000_000 - 1, "ms": 2**63 // 1_000 - 1}


def plan_numpy(values: "np.ndarray[Any, Any]", dtype: "np.dtype[Any]") -> ColumnPlan:
    """How an array of numpy is kept."""
    planner = _PLANNERS.get(dtype.kind)
    return planner(values, dtype) if planner else objects.plan(values.astype(object))


def _plan_objects(values: "np.ndarray[Any, Any]", _dtype: "np.dtype[Any]") -> ColumnPlan:
    return objects.plan(values)


def _plan_durations(_values: "np.ndarray[Any, Any]", dtype: "np.dtype[Any]") -> ColumnPlan:
    return ColumnPlan(pa.int64(), _numpy_facts("timedelta", dtype), encode_as_integers)


def _plan_numbers(_values: "np.ndarray[Any, Any]", dtype: "np.dtype[Any]") -> ColumnPlan:
    if dtype.kind == "f" and dtype.itemsize > 8:
        return ColumnPlan(pa.large_string(), _numpy_facts("text number", dtype), _text_numbers)
    # half floats cannot be read by SQL from memory
    kind = (
        pa.float32()
        if dtype.kind == "f" and dtype.itemsize == 2
        else pa.from_numpy_dtype(dtype.newbyteorder("="))
    )
    return ColumnPlan(kind, _numpy_facts("numpy", dtype), _native_byte_order(kind))


def _numpy_facts(form: str, dtype: "np.dtype[Any]") -> dict[str, Any]:
    return {"form": form, "dtype": dtype.str}


def _native_byte_order(kind: pa.DataType) -> Encoder:
    wanted = kind.to_pandas_dtype()

    def encode(values: Any) -> pa.Array:
        part = np.asarray(values)
        if part.dtype != wanted or not part.dtype.isnative:
            part = part.astype(wanted)
        return pa.array(part, type=kind, from_pandas=True)

    return encode


def _plan_datetimes(values: "np.ndarray[Any, Any]", dtype: "np.dtype[Any]") -> ColumnPlan:
    unit = np.datetime_data(dtype)[0]
    facts = _numpy_facts("datetime", dtype)
    if not fits_microseconds(values.view("i8"), unit):
        return ColumnPlan(pa.int64(), _numpy_facts("datetime ticks", dtype), encode_as_integers)
    kind = pa.timestamp("ns" if unit == "ns" else "us")
    return ColumnPlan(kind, facts, lambda part: encode_datetimes(part, kind))


def fits_microseconds(ticks: "np.ndarray[Any, Any]", unit: str) -> bool:
    """Whether moments in ``unit`` can be told in microseconds, which is what SQL reads."""
    limit = _US_LIMIT.get(unit)
    if limit is None:
        return True
    real = ticks[ticks != np.iinfo("i8").min]
    return not len(real) or (int(real.max()) <= limit and int(real.min()) >= -limit)


def encode_datetimes(values: Any, kind: pa.DataType) -> pa.Array:
    """An array of datetime64 as timestamps of type ``kind``."""
    part = np.asarray(values)
    array = pa.array(part.astype(part.dtype.newbyteorder("=")) if not part.dtype.isnative else part)
    return array if array.type == kind else array.cast(kind)


def encode_as_integers(values: Any) -> pa.Array:
    """Moments or durations as the numbers that numpy holds; NaT is a gap."""
    part = np.asarray(values)
    native = part.astype(part.dtype.newbyteorder("=")) if not part.dtype.isnative else part
    ticks = np.ascontiguousarray(native).view("i8")
    return pa.array(ticks, mask=ticks == np.iinfo("i8").min)


def _plan_complex(_values: "np.ndarray[Any, Any]", dtype: "np.dtype[Any]") -> ColumnPlan:
    if dtype.itemsize > 16:
        kind = pa.struct([("real", pa.large_string()), ("imag", pa.large_string())])
        return ColumnPlan(
            kind, _numpy_facts("complex text", dtype), lambda part: _complex(part, kind, _all_text_numbers)
        )
    half = pa.float32() if dtype.itemsize == 8 else pa.float64()
    kind = pa.struct([("real", half), ("imag", half)])
    return ColumnPlan(
        kind, _numpy_facts("complex", dtype), lambda part: _complex(part, kind, _native_kept(half))
    )


def _native_kept(kind: pa.DataType) -> Encoder:
    return lambda values: pa.array(
        np.ascontiguousarray(values, dtype=kind.to_pandas_dtype()), from_pandas=False
    )


def _complex(values: Any, kind: pa.DataType, encode: Encoder) -> pa.Array:
    part = np.asarray(values)
    return pa.StructArray.from_arrays([encode(part.real), encode(part.imag)], fields=list(kind))


def _text_numbers(values: Any) -> pa.Array:
    part = np.asarray(values)
    return pa.array([None if np.isnan(number) else str(number) for number in part], type=pa.large_string())


def _all_text_numbers(values: Any) -> pa.Array:
    return pa.array([str(number) for number in np.asarray(values)], type=pa.large_string())


def _read_numpy(array: Any, facts: Mapping[str, Any], _beside: Mapping[str, Any]) -> Any:
    dtype = np.dtype(facts["dtype"])
    return _writable_copy(array).astype(dtype, copy=False)


def _writable_copy(array: Any) -> "np.ndarray[Any, Any]":
    """The values of an Arrow array, to write to: a view of Arrow's memory cannot be."""
    chunked = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
    values: np.ndarray[Any, Any] = chunked.to_numpy()
    return values if values.flags.writeable else values.copy()


def _read_datetime(array: Any, facts: Mapping[str, Any], _beside: Mapping[str, Any]) -> Any:
    unit = array.type.unit
    return as_integers(array).view(f"M8[{unit}]").astype(np.dtype(facts["dtype"]), copy=False)


def as_integers(array: Any) -> "np.ndarray[Any, Any]":
    """The 64-bit numbers of a column, with gaps as pandas writes them (NaT)."""
    ticks = array.cast(pa.int64()) if array.type != pa.int64() else array
    if ticks.null_count:
        ticks = pc.fill_null(ticks, pa.scalar(np.iinfo("i8").min, pa.int64()))
    return _writable_copy(ticks)


def _read_ticks(array: Any, facts: Mapping[str, Any], _beside: Mapping[str, Any]) -> Any:
    dtype = np.dtype(facts["dtype"])
    return as_integers(array).view(dtype.newbyteorder("=")).astype(dtype, copy=False)


def _read_complex(array: Any, facts: Mapping[str, Any], _beside: Mapping[str, Any]) -> Any:
    whole = arrow_form.single_array(array)
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


_PLANNERS: dict[str, Callable[["np.ndarray[Any, Any]", "np.dtype[Any]"], ColumnPlan]] = {
    **dict.fromkeys("biuf", _plan_numbers),
    "c": _plan_complex,
    "M": _plan_datetimes,
    "m": _plan_durations,
    "O": _plan_objects,
}

READERS: dict[str, Reader] = {
    "numpy": _read_numpy,
    "datetime": _read_datetime,
    "datetime ticks": _read_ticks,
    "timedelta": _read_ticks,
    "complex": _read_complex,
    "complex text": _read_complex,
    "text number": _read_text_numbers,
}

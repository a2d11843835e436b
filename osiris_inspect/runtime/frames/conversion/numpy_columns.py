"""Conversion of NumPy columns: numbers, timestamps and durations of any width and byte order."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from osiris_inspect.runtime.frames.conversion import object_columns
from osiris_inspect.runtime.frames.conversion.arrow_types import single_array
from osiris_inspect.runtime.frames.conversion.column_plan import ColumnPlan, Encoder, Reader
from osiris_inspect.runtime.frames.conversion.natural import Natural

_US_LIMIT = {"s": 2**63 // 1_000_000 - 1, "ms": 2**63 // 1_000 - 1}


def plan_numpy(values: "np.ndarray[Any, Any]", dtype: "np.dtype[Any]") -> ColumnPlan:
    """Return the plan of a NumPy array."""
    planner = _PLANNERS.get(dtype.kind)
    return planner(values, dtype) if planner else object_columns.plan(values.astype(object))


def _plan_durations(_values: "np.ndarray[Any, Any]", dtype: "np.dtype[Any]") -> ColumnPlan:
    unit = np.datetime_data(dtype)[0]
    return ColumnPlan(
        pa.int64(),
        _numpy_info("timedelta", dtype),
        encode_as_integers,
        natural=Natural("duration", unit),
    )


def _plan_numbers(_values: "np.ndarray[Any, Any]", dtype: "np.dtype[Any]") -> ColumnPlan:
    if dtype.kind == "f" and dtype.itemsize > 8:
        return ColumnPlan(pa.large_string(), _numpy_info("text number", dtype), _text_numbers)
    # SQL cannot read float16 from memory
    kind = (
        pa.float32()
        if dtype.kind == "f" and dtype.itemsize == 2
        else pa.from_numpy_dtype(dtype.newbyteorder("="))
    )
    return ColumnPlan(kind, _numpy_info("numpy", dtype), _number_encoder(kind))


def _numpy_info(form: str, dtype: "np.dtype[Any]") -> dict[str, Any]:
    return {"form": form, "dtype": dtype.str}


def _number_encoder(kind: pa.DataType, *, nan_is_gap: bool = True) -> Encoder:
    dtype = kind.to_pandas_dtype()

    def encode(values: Any) -> pa.Array:
        return pa.array(np.asarray(values, dtype=dtype), type=kind, from_pandas=nan_is_gap)

    return encode


def _plan_datetimes(values: "np.ndarray[Any, Any]", dtype: "np.dtype[Any]") -> ColumnPlan:
    unit = np.datetime_data(dtype)[0]
    if not fits_microseconds(values.view("i8"), unit):
        hidden = {"ticks": (pa.int64(), encode_as_integers)}
        return ColumnPlan(pa.large_string(), _numpy_info("datetime ticks", dtype), iso_texts, hidden)
    kind = pa.timestamp("ns" if unit == "ns" else "us")
    return ColumnPlan(kind, _numpy_info("datetime", dtype), partial(encode_datetimes, kind=kind))


def fits_microseconds(ticks: "np.ndarray[Any, Any]", unit: str) -> bool:
    """Return True if timestamps in ``unit`` can be represented in microseconds, as SQL reads them."""
    limit = _US_LIMIT.get(unit)
    if limit is None:
        return True
    real = ticks[ticks != np.iinfo("i8").min]
    return not len(real) or (int(real.max()) <= limit and int(real.min()) >= -limit)


def encode_datetimes(values: Any, kind: pa.DataType) -> pa.Array:
    """Return a datetime64 array as timestamps of type ``kind``."""
    array = pa.array(_native(values))
    return array if array.type == kind else array.cast(kind)


def iso_texts(values: Any) -> pa.Array:
    """Return timestamps as text, for those that no SQL timestamp can represent."""
    native = _native(values)
    texts = np.char.replace(np.datetime_as_string(native), "T", " ")
    return pa.array(texts, pa.large_string(), mask=np.isnat(native))


def _native(values: Any) -> "np.ndarray[Any, Any]":
    return np.asarray(values, dtype=values.dtype.newbyteorder("="))


def encode_as_integers(values: Any) -> pa.Array:
    """Return timestamps or durations as the integers in NumPy's memory; NaT becomes a gap."""
    ticks = np.ascontiguousarray(_native(values)).view("i8")
    return pa.array(ticks, mask=ticks == np.iinfo("i8").min)


def _plan_complex(_values: "np.ndarray[Any, Any]", dtype: "np.dtype[Any]") -> ColumnPlan:
    if dtype.itemsize > 16:
        kind = pa.struct([("real", pa.large_string()), ("imag", pa.large_string())])
        return ColumnPlan(
            kind, _numpy_info("complex text", dtype), partial(_complex, kind=kind, encode=_all_text_numbers)
        )
    half = pa.float32() if dtype.itemsize == 8 else pa.float64()
    kind = pa.struct([("real", half), ("imag", half)])
    return ColumnPlan(
        kind,
        _numpy_info("complex", dtype),
        partial(_complex, kind=kind, encode=_number_encoder(half, nan_is_gap=False)),
    )


def _complex(values: Any, kind: pa.DataType, encode: Encoder) -> pa.Array:
    values = np.asarray(values)
    return pa.StructArray.from_arrays([encode(values.real), encode(values.imag)], fields=list(kind))


def _text_numbers(values: Any) -> pa.Array:
    return pa.array([None if np.isnan(number) else str(number) for number in values], type=pa.large_string())


def _all_text_numbers(values: Any) -> pa.Array:
    return pa.array([str(number) for number in values], type=pa.large_string())


def _read_numpy(array: Any, info: Mapping[str, Any], _hidden: Mapping[str, Any]) -> Any:
    dtype = np.dtype(info["dtype"])
    return _writable_copy(array).astype(dtype, copy=False)


def _writable_copy(array: Any) -> "np.ndarray[Any, Any]":
    """Return the values of an Arrow array as a writable array; views of Arrow memory are read-only."""
    chunked = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
    values: np.ndarray[Any, Any] = chunked.to_numpy()
    return values if values.flags.writeable else values.copy()


def as_integers(array: Any) -> "np.ndarray[Any, Any]":
    """Return the 64-bit integers of a column, with gaps as NaT."""
    ticks = array.cast(pa.int64()) if array.type != pa.int64() else array
    if ticks.null_count:
        ticks = pc.fill_null(ticks, pa.scalar(np.iinfo("i8").min, pa.int64()))
    return _writable_copy(ticks)


def _read_ticks(array: Any, info: Mapping[str, Any], hidden: Mapping[str, Any]) -> Any:
    array = hidden.get("ticks", array)
    dtype = np.dtype(info["dtype"])
    stored = f"M8[{array.type.unit}]" if info["form"] == "datetime" else dtype.newbyteorder("=")
    return as_integers(array).view(stored).astype(dtype, copy=False)


def _read_complex(array: Any, info: Mapping[str, Any], _hidden: Mapping[str, Any]) -> Any:
    array = single_array(array)
    real, imag = (array.field(name).to_numpy(zero_copy_only=False) for name in ("real", "imag"))
    dtype = np.dtype(info["dtype"])
    values = np.empty(len(array), dtype=dtype)
    values.real, values.imag = _numbers(real, dtype), _numbers(imag, dtype)
    return values


def _numbers(values: Any, dtype: "np.dtype[Any]") -> Any:
    half = np.dtype(f"f{dtype.itemsize // 2}")
    return np.array([half.type(text) for text in values], dtype=half) if values.dtype.kind == "O" else values


def _read_text_numbers(array: Any, info: Mapping[str, Any], _hidden: Mapping[str, Any]) -> Any:
    dtype = np.dtype(info["dtype"])
    return np.array([dtype.type("nan" if text is None else text) for text in array.to_pylist()], dtype=dtype)


_PLANNERS: dict[str, Callable[["np.ndarray[Any, Any]", "np.dtype[Any]"], ColumnPlan]] = {
    **dict.fromkeys("biuf", _plan_numbers),
    "c": _plan_complex,
    "M": _plan_datetimes,
    "m": _plan_durations,
    "O": lambda values, _: object_columns.plan(values),
}

READERS: dict[str, Reader] = {
    "numpy": _read_numpy,
    "datetime": _read_ticks,
    "datetime ticks": _read_ticks,
    "timedelta": _read_ticks,
    "complex": _read_complex,
    "complex text": _read_complex,
    "text number": _read_text_numbers,
}

"""Conversion of columns of Python objects to the narrowest exact Arrow type, otherwise to their natural form.

The exact types of the cells decide; a subclass is another type. A natural form that does not restore the cells
has a hidden column beside it, which stores them exactly as JSON. Missing values (None, NaN, NaT, NA) become gaps in
Arrow. If a column has several kinds of them, a hidden column stores the kind of each gap.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Context, Decimal
from functools import partial
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa

from osiris_inspect.runtime.frames.conversion import cell_json
from osiris_inspect.runtime.frames.conversion.arrow_types import rows_per_slice, storage_type
from osiris_inspect.runtime.frames.conversion.column_plan import ColumnPlan
from osiris_inspect.runtime.frames.conversion.natural import Natural, natural_cells
from osiris_inspect.runtime.frames.conversion.natural_cells import json_text, sorted_items

_MISSING_VALUES: tuple[Any, ...] = (None, float("nan"), pd.NaT, pd.NA)
_GAP_TYPES = {type(None): 0, float: 1, type(pd.NaT): 2, type(pd.NA): 3}
_EXACT_CONTEXT = Context(prec=100)
"""Moves decimals of up to 38 digits without rounding."""


def plan(values: "np.ndarray[Any, Any]") -> ColumnPlan:
    """Return the plan of an object array."""
    kinds = set(map(type, values)) - {type(None), type(pd.NaT), type(pd.NA)}
    gaps = _missing_kinds(values)
    if float in kinds and kinds != {float} and not _has_real_float(values):
        kinds.discard(float)  # NaN is a gap
    elif kinds == {float} and not _has_real_float(values):
        kinds = set()
    column = _plan_for_types(kinds, values) or _plan_natural(values)
    return _with_gaps(column, gaps)


def restore(array: Any, info: Mapping[str, Any], hidden: Mapping[str, Any]) -> "np.ndarray[Any, Any]":
    """Return the cells of an object column."""
    array = hidden.get("exact", array)
    values = object_array(_READERS[info["cells"]](array, info, hidden))
    return _fill_gaps(values, array, info, hidden)


def object_array(items: Iterable[Any]) -> "np.ndarray[Any, Any]":
    """Return an array with one object per item; NumPy would make a table of lists of equal length."""
    return np.fromiter(items, dtype=object)


def json_array(items: Iterable[Any], not_restorable: set[str]) -> pa.Array:
    """Return cells as JSON text; gaps stay gaps."""
    texts = [None if _is_missing(item) else cell_json.encode(item, not_restorable) for item in items]
    return pa.array(texts, type=pa.large_string())


def json_values(array: Any) -> list[Any]:
    """Return the cells that ``json_array`` encoded, None for gaps."""
    return [None if text is None else cell_json.decode(text) for text in array.to_pylist()]


def decimal_texts(items: Iterable[Decimal | None]) -> pa.Array:
    """Return decimals that no SQL number can hold as text that SQL can cast, without loss of digits."""
    texts = [None if _is_missing(item) else _plain_decimal(item) for item in items]
    return pa.array(texts, type=pa.large_string())


def _plain_decimal(number: Any) -> str:
    if not number.is_finite() or int(number.as_tuple().exponent) > 0:
        return str(number)  # 1E+3 must not be restored as 1000
    return format(number, "f")


def decimals_of(array: Any) -> list[Any]:
    """Return the decimals that ``decimal_texts`` wrote, None for gaps."""
    return [None if text is None else Decimal(text) for text in array.to_pylist()]


# -- gaps ----------------------------------------------------------------------------------------------------


def _is_missing(cell: Any) -> bool:
    return cell is None or cell is pd.NaT or cell is pd.NA or (type(cell) is float and math.isnan(cell))


def _missing_kinds(values: "np.ndarray[Any, Any]") -> set[int]:
    """Return the codes of the kinds of gaps among the cells."""
    return set(_gap_codes(values).tolist()) - {-1}


def _gap_codes(values: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    codes = [_GAP_TYPES[type(cell)] if _is_missing(cell) else -1 for cell in values]
    return np.array(codes, dtype="i1")


def _has_real_float(values: "np.ndarray[Any, Any]") -> bool:
    return any(type(cell) is float and not math.isnan(cell) for cell in values)


def _with_gaps(column: ColumnPlan, gaps: set[int]) -> ColumnPlan:
    info = dict(column.restore_info) | {"form": "objects"}
    if len(gaps) <= 1:
        return replace(column, restore_info=info | {"gap": next(iter(gaps), 0)})
    hidden = {**column.hidden, "gaps": (pa.int8(), lambda chunk: pa.array(_gap_codes(chunk)))}
    return replace(column, restore_info=info | {"gap": None}, hidden=hidden)


def _fill_gaps(
    values: "np.ndarray[Any, Any]", array: Any, info: Mapping[str, Any], hidden: Mapping[str, Any]
) -> "np.ndarray[Any, Any]":
    if info["gap"] is not None:
        if array.null_count:
            values[np.asarray(array.is_null())] = _MISSING_VALUES[info["gap"]]
        return values
    codes = np.asarray(hidden["gaps"].to_numpy())
    for code, gap in enumerate(_MISSING_VALUES):
        values[codes == code] = gap
    return values


# -- cells of one type ---------------------------------------------------------------------------------------


def _plan_for_types(kinds: set[type], values: "np.ndarray[Any, Any]") -> ColumnPlan | None:
    if not kinds:
        return ColumnPlan(pa.null(), {"cells": "none"}, lambda chunk: pa.nulls(len(chunk)))
    if len(kinds) > 1:
        return None
    kind = next(iter(kinds))
    planner = _PLANNERS.get(kind)
    if planner is not None:
        return planner(values)
    if issubclass(kind, np.generic):
        return _plan_scalars(kind)
    return None


def _plan_natural(values: "np.ndarray[Any, Any]") -> ColumnPlan:
    """Return a plan that stores cells of any types in their natural form, with the exact cells beside it."""
    not_restorable: set[str] = set()
    exact = partial(json_array, not_restorable=not_restorable)
    cells = _present(values)
    form = natural_cells(cells)
    if form.natural.kind == "none":
        return ColumnPlan(form.type, {"cells": "json"}, exact, {}, not_restorable, form.natural)
    if form.natural.kind == "json" and all(map(cell_json.is_plain, cells)):
        return ColumnPlan(form.type, {"cells": "json"}, _plain_json, natural=form.natural)
    return ColumnPlan(
        form.type,
        {"cells": "exact"},
        lambda chunk: form.encode(_present(chunk)),
        {"exact": (pa.large_string(), exact)},
        not_restorable,
        form.natural,
    )


def _present(values: Iterable[Any]) -> list[Any]:
    """Return the cells, with None for every kind of gap."""
    return [None if _is_missing(cell) else cell for cell in values]


def _plain_json(values: Any) -> pa.Array:
    return pa.array(
        [None if cell is None else json_text(cell) for cell in _present(values)], type=pa.large_string()
    )


def _try(kind: pa.DataType, name: str, values: "np.ndarray[Any, Any]") -> ColumnPlan | None:
    """Return a plan with the Arrow type ``kind``; None if a cell does not fit."""
    encode = partial(_typed, kind)
    try:
        rows = rows_per_slice(len(values), lambda positions: int(encode(values[positions]).nbytes))
        for start in range(0, len(values), rows):
            encode(values[start : start + rows])
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError):
        return None
    return ColumnPlan(kind, {"cells": name}, encode)


def _typed(kind: pa.DataType, values: Any) -> pa.Array:
    return pa.array([None if _is_missing(cell) else cell for cell in values], type=kind)


def _plan_integers(values: "np.ndarray[Any, Any]") -> ColumnPlan | None:
    return (
        _try(pa.int64(), "int", values)
        or _try(pa.uint64(), "int", values)
        or _try(pa.decimal128(38, 0), "big int", values)
    )


def _plan_datetimes(values: "np.ndarray[Any, Any]") -> ColumnPlan | None:
    real = [cell for cell in values if not _is_missing(cell)]
    if all(cell.tzinfo is None and not cell.fold for cell in real):
        return _try(pa.timestamp("us"), "datetime", values)
    return None


def _plan_times(values: "np.ndarray[Any, Any]") -> ColumnPlan | None:
    if all(cell.tzinfo is None and not cell.fold for cell in values if not _is_missing(cell)):
        return _try(pa.time64("us"), "time", values)
    return None


def _plan_durations(values: "np.ndarray[Any, Any]") -> ColumnPlan | None:
    column = _try(pa.duration("us"), "timedelta", values)
    if column is None:
        return None
    return ColumnPlan(
        pa.int64(),
        column.restore_info,
        lambda chunk: column.encode(chunk).cast(pa.int64()),
        natural=Natural("duration", "us"),
    )


def _plan_decimals(values: "np.ndarray[Any, Any]") -> ColumnPlan | None:
    real = [cell for cell in values if not _is_missing(cell)]
    column = _plan_exact_decimals(real, values)
    if column is None and any(cell.is_finite() and int(cell.as_tuple().exponent) > 0 for cell in real):
        return None  # text without an exponent does not restore 1E+3
    return column or ColumnPlan(
        pa.large_string(), {"cells": "decimal text"}, decimal_texts, natural=Natural("decimal")
    )


def _plan_exact_decimals(real: list[Decimal], values: "np.ndarray[Any, Any]") -> ColumnPlan | None:
    """Return a plan with a SQL decimal type; None if no such type holds all values."""
    if not all(cell.is_finite() and not (cell.is_zero() and cell.is_signed()) for cell in real):
        return None
    exponents = {int(cell.as_tuple().exponent) for cell in real}
    scale = max(0, -min(exponents))
    digits = max(len(cell.as_tuple().digits) + int(cell.as_tuple().exponent) for cell in real)
    precision = max(digits, 1) + scale
    if precision > 38 or digits > 38:
        return None
    column = _try(pa.decimal128(precision, scale), "decimal", values)
    if column is None or len(exponents) == 1:
        return column and ColumnPlan(
            column.type, {"cells": "decimal", "exponent": exponents.pop()}, column.encode
        )
    return ColumnPlan(
        column.type, {"cells": "decimal"}, column.encode, {"exponents": (pa.int16(), _exponents)}
    )


def _exponents(values: Any) -> pa.Array:
    return pa.array(
        [0 if _is_missing(cell) else cell.as_tuple().exponent for cell in values], type=pa.int16()
    )


def _plan_scalars(kind: type) -> ColumnPlan | None:
    dtype = np.dtype(kind)
    if dtype.kind not in "biuf" or dtype.itemsize > 8 or dtype.kind == "f":
        return None
    native = pa.from_numpy_dtype(dtype)
    return ColumnPlan(native, {"cells": "scalar", "dtype": dtype.str}, partial(_typed, native))


def _plan_uuids(_values: "np.ndarray[Any, Any]") -> ColumnPlan:
    return ColumnPlan(pa.large_string(), {"cells": "uuid"}, _uuid_texts, natural=Natural("uuid"))


def _uuid_texts(values: Any) -> pa.Array:
    return pa.array([None if cell is None else str(cell) for cell in _present(values)], pa.large_string())


def _plan_bytearrays(_values: "np.ndarray[Any, Any]") -> ColumnPlan:
    kind = pa.large_binary()
    return ColumnPlan(
        kind,
        {"cells": "bytearray"},
        lambda chunk: pa.array([None if cell is None else bytes(cell) for cell in _present(chunk)], kind),
    )


def _plan_arrays(values: "np.ndarray[Any, Any]") -> ColumnPlan | None:
    """Return a plan for vectors of numbers of one type; None for other arrays."""
    cells = [cell for cell in _present(values) if cell is not None]
    dtype = cells[0].dtype
    if dtype.kind not in "iuf" or dtype.itemsize > 8 or dtype == np.float16 or not dtype.isnative:
        return None
    if any(cell.ndim != 1 or cell.dtype != dtype for cell in cells):
        return None
    kind = pa.list_(pa.from_numpy_dtype(dtype))
    return ColumnPlan(
        kind, {"cells": "array", "dtype": dtype.str}, lambda chunk: pa.array(_present(chunk), kind)
    )


def _plan_sequences(values: "np.ndarray[Any, Any]", name: str) -> ColumnPlan | None:
    """Return a plan for tuples or sets that are stored as lists; None if Arrow does not restore the lists."""
    lists = partial(_as_lists, is_set=name != "tuple")
    column = _plan_nested(object_array(lists(values)))
    if column is None:
        return None
    return ColumnPlan(column.type, {"cells": name}, lambda chunk: column.encode(lists(chunk)))


def _as_lists(values: Any, *, is_set: bool) -> list[Any]:
    order: Any = sorted_items if is_set else list
    return [None if cell is None else order(cell) for cell in _present(values)]


def _plan_nested(values: "np.ndarray[Any, Any]") -> ColumnPlan | None:
    """Return a plan for lists or dicts that Arrow restores exactly; None if it does not."""
    real = _present(values)
    try:
        array = pa.array(real)
    except (
        pa.ArrowInvalid,
        pa.ArrowTypeError,
        pa.ArrowNotImplementedError,
        OverflowError,
        UnicodeEncodeError,
    ):
        return None
    kind = storage_type(array.type)
    if kind is None or not _same(array.to_pylist(), real):
        return None
    return ColumnPlan(kind, {"cells": "nested"}, partial(_typed, kind))


def _same(left: Any, right: Any) -> bool:
    """Return True if two nested values are equal, with the same types and order at every level."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, dict):
        return list(left) == list(right) and all(map(_same, left.values(), right.values()))
    return repr(left) == repr(right)  # distinguishes -0.0 from 0.0 and equates NaN with NaN


_PLANNERS: dict[type, Callable[["np.ndarray[Any, Any]"], ColumnPlan | None]] = {
    str: lambda values: _try(pa.large_string(), "str", values),
    int: _plan_integers,
    bool: lambda values: _try(pa.bool_(), "bool", values),
    float: lambda values: _try(pa.float64(), "float", values),
    bytes: lambda values: _try(pa.large_binary(), "bytes", values),
    date: lambda values: _try(pa.date32(), "date", values),
    datetime: _plan_datetimes,
    time: _plan_times,
    timedelta: _plan_durations,
    Decimal: _plan_decimals,
    UUID: _plan_uuids,
    bytearray: _plan_bytearrays,
    list: _plan_nested,
    dict: _plan_nested,
    np.ndarray: _plan_arrays,
    tuple: lambda values: _plan_sequences(values, "tuple"),
    set: lambda values: _plan_sequences(values, "set"),
    frozenset: lambda values: _plan_sequences(values, "frozenset"),
}


# -- readers -------------------------------------------------------------------------------------------------


def _big_integers(array: Any, _info: Mapping[str, Any], _hidden: Mapping[str, Any]) -> list[Any]:
    return [None if cell is None else int(cell) for cell in array.to_pylist()]


def _decimals(array: Any, info: Mapping[str, Any], hidden: Mapping[str, Any]) -> list[Any]:
    numbers = array.to_pylist()
    exponents = (
        hidden["exponents"].to_pylist() if "exponents" in hidden else [info["exponent"]] * len(numbers)
    )
    return [
        None if cell is None else cell.quantize(Decimal((0, (1,), exponent)), context=_EXACT_CONTEXT)
        for cell, exponent in zip(numbers, exponents, strict=True)
    ]


def _scalars(array: Any, info: Mapping[str, Any], _hidden: Mapping[str, Any]) -> list[Any]:
    kind = np.dtype(info["dtype"]).type
    return [None if cell is None else kind(cell) for cell in array.to_pylist()]


def _convert(array: Any, to: Callable[[Any], Any]) -> list[Any]:
    return [None if cell is None else to(cell) for cell in array.to_pylist()]


def _arrays(array: Any, info: Mapping[str, Any], _hidden: Mapping[str, Any]) -> list[Any]:
    dtype = np.dtype(info["dtype"])
    return _convert(array, lambda cell: np.array(cell, dtype=dtype))


_UNCHANGED = ("none", "str", "int", "bool", "float", "bytes", "date", "datetime", "time", "nested")

_READERS: dict[str, Callable[[Any, Mapping[str, Any], Mapping[str, Any]], list[Any]]] = {
    **dict.fromkeys(_UNCHANGED, lambda array, _info, _hidden: array.to_pylist()),
    "big int": _big_integers,
    "timedelta": lambda array, _info, _hidden: array.cast(pa.duration("us")).to_pylist(),
    "decimal": _decimals,
    "decimal text": lambda array, _info, _hidden: decimals_of(array),
    "scalar": _scalars,
    "json": lambda array, _info, _hidden: json_values(array),
    "exact": lambda array, _info, _hidden: json_values(array),
    "uuid": lambda array, _info, _hidden: _convert(array, UUID),
    "bytearray": lambda array, _info, _hidden: _convert(array, bytearray),
    "array": _arrays,
    "tuple": lambda array, _info, _hidden: _convert(array, tuple),
    "set": lambda array, _info, _hidden: _convert(array, set),
    "frozenset": lambda array, _info, _hidden: _convert(array, frozenset),
}

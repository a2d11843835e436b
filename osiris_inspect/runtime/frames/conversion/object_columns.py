"""Columns of Python objects: the narrowest Arrow type that holds every cell exactly, else JSON for that column alone.

The types of the cells decide, exactly: a subclass is another type. Gaps (None, NaN, NaT, NA) are gaps in Arrow; which of
them a gap was is a fact where all are alike, and a column beside where they are not.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Context, Decimal
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from osiris_inspect.runtime.frames.conversion import arrow_types as arrow_form
from osiris_inspect.runtime.frames.conversion import cell_json as cells
from osiris_inspect.runtime.frames.conversion.arrow_types import ROWS_PER_SLICE
from osiris_inspect.runtime.frames.conversion.column_plan import ColumnPlan

_MISSING_VALUES: tuple[Any, ...] = (None, float("nan"), pd.NaT, pd.NA)
_GAP_TYPES = {type(None): 0, float: 1, type(pd.NaT): 2, type(pd.NA): 3}
_EXACT_TYPES = Context(prec=100)
"""Decimals of up to 38 digits are moved without rounding."""


def plan(values: "np.ndarray[Any, Any]") -> ColumnPlan:
    """How an array of objects is kept."""
    kinds = set(map(type, values)) - {type(None), type(pd.NaT), type(pd.NA)}
    gaps = _missing_kinds(values)
    if float in kinds and kinds != {float} and not _has_real_float(values):
        kinds.discard(float)  # its only floats are NaN, which are gaps
    elif kinds == {float} and not _has_real_float(values):
        kinds = set()
    column = _plan_for_types(kinds, values) or _json()
    return _with_gaps(column, gaps)


def restore(array: Any, facts: Mapping[str, Any], beside: Mapping[str, Any]) -> "np.ndarray[Any, Any]":
    """The cells of a column of objects."""
    found = object_array(_READERS[facts["cells"]](array, facts, beside))
    return _fill_gaps(found, array, facts, beside)


def object_array(items: Iterable[Any]) -> "np.ndarray[Any, Any]":
    """An array with one object an item; numpy would make a table of lists that are of one length."""
    return np.fromiter(items, dtype=object)


def json_array(items: Iterable[Any], lost: set[str]) -> pa.Array:
    """Cells as JSON text; a gap stays a gap."""
    texts = [None if _is_missing(item) else cells.encode(item, lost) for item in items]
    return pa.array(texts, type=pa.large_string())


def json_values(array: Any) -> list[Any]:
    """The cells that ``json_array`` encoded, None for gaps."""
    return [None if text is None else cells.decode(text) for text in array.to_pylist()]


def decimal_texts(items: Iterable[Decimal | None]) -> pa.Array:
    """Decimals that no number of SQL holds as text that SQL can cast: plain where that keeps every digit, else with an exponent."""
    texts = [None if _is_missing(item) else _plain_decimal(item) for item in items]
    return pa.array(texts, type=pa.large_string())


def _plain_decimal(number: Any) -> str:
    if not number.is_finite() or int(number.as_tuple().exponent) > 0:
        return str(number)  # plainly written, 1E+3 would come back as 1000
    return format(number, "f")


def decimals_of(array: Any) -> list[Any]:
    """The decimals that ``decimal_texts`` wrote, None for gaps."""
    return [None if text is None else Decimal(text) for text in array.to_pylist()]


def text_array(texts: list[str]) -> pa.Array:
    """Text as Arrow; what is no UTF-8 is written with escapes."""
    try:
        return pa.array(texts, type=pa.large_string())
    except UnicodeEncodeError:
        return pa.array(
            [text.encode("utf-8", "backslashreplace").decode() for text in texts], type=pa.large_string()
        )


# -- gaps --------------------------------------------------------------------------------------------------------------


def _is_missing(cell: Any) -> bool:
    return cell is None or cell is pd.NaT or cell is pd.NA or (type(cell) is float and math.isnan(cell))


def _missing_kinds(values: "np.ndarray[Any, Any]") -> set[int]:
    """The kinds of gaps among the cells, as numbers."""
    return set(_gap_codes(values).tolist()) - {-1}


def _gap_codes(values: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    codes = [_GAP_TYPES[type(cell)] if _is_missing(cell) else -1 for cell in values]
    return np.array(codes, dtype="i1")


def _has_real_float(values: "np.ndarray[Any, Any]") -> bool:
    return any(type(cell) is float and not math.isnan(cell) for cell in values)


def _with_gaps(column: ColumnPlan, gaps: set[int]) -> ColumnPlan:
    facts = dict(column.restore_info) | {"form": "objects"}
    if len(gaps) <= 1:
        return ColumnPlan(
            column.type,
            facts | {"gap": next(iter(gaps), 0)},
            column.encode,
            column.hidden,
            column.not_restorable,
        )
    kept = {**column.hidden, "gaps": (pa.int8(), lambda part: pa.array(_gap_codes(part)))}
    return ColumnPlan(column.type, facts | {"gap": None}, column.encode, kept, column.not_restorable)


def _fill_gaps(
    values: "np.ndarray[Any, Any]", array: Any, facts: Mapping[str, Any], beside: Mapping[str, Any]
) -> "np.ndarray[Any, Any]":
    if facts["gap"] is not None:
        if array.null_count:
            values[np.asarray(array.is_null())] = _MISSING_VALUES[facts["gap"]]
        return values
    codes = np.asarray(beside["gaps"].to_numpy())
    for code, gap in enumerate(_MISSING_VALUES):
        values[codes == code] = gap
    return values


# -- one kind of cell --------------------------------------------------------------------------------------------------


def _plan_for_types(kinds: set[type], values: "np.ndarray[Any, Any]") -> ColumnPlan | None:
    if not kinds:
        return ColumnPlan(pa.null(), {"cells": "none"}, lambda part: pa.nulls(len(part)))
    if len(kinds) > 1:
        return None
    kind = next(iter(kinds))
    planner = _PLANNERS.get(kind)
    if planner is not None:
        return planner(values)
    if issubclass(kind, np.generic):
        return _plan_scalars(kind)
    return None


def _json() -> ColumnPlan:
    lost: set[str] = set()
    return ColumnPlan(
        pa.large_string(), {"cells": "json"}, lambda part: json_array(part, lost), not_restorable=lost
    )


def _try(kind: pa.DataType, name: str, values: "np.ndarray[Any, Any]") -> ColumnPlan | None:
    """A plan with the Arrow type ``kind``; None if a cell does not fit."""
    encode = partial(_typed, kind)
    try:
        for start in range(0, len(values), ROWS_PER_SLICE):
            encode(values[start : start + ROWS_PER_SLICE])
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError):
        return None
    return ColumnPlan(kind, {"cells": name}, encode)


def _typed(kind: pa.DataType, values: Any) -> pa.Array:
    return pa.array([None if _is_missing(cell) else cell for cell in values], type=kind)


def _plan_text(values: "np.ndarray[Any, Any]") -> ColumnPlan | None:
    return _try(pa.large_string(), "str", values)


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
    return ColumnPlan(pa.int64(), column.restore_info, lambda part: column.encode(part).cast(pa.int64()))


def _plan_decimals(values: "np.ndarray[Any, Any]") -> ColumnPlan:
    column = _plan_exact_decimals([cell for cell in values if not _is_missing(cell)], values)
    return column or ColumnPlan(pa.large_string(), {"cells": "decimal text"}, decimal_texts)


def _plan_exact_decimals(real: list[Decimal], values: "np.ndarray[Any, Any]") -> ColumnPlan | None:
    """A column of SQL's decimals; None if it has no type that holds them all."""
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


def _plan_nested(values: "np.ndarray[Any, Any]") -> ColumnPlan | None:
    """Lists, or dicts, that Arrow gives back as they were; an empty dict or two sets of keys are JSON."""
    real = [None if _is_missing(cell) else cell for cell in values]
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
    kind = array.type
    if arrow_form.storage_type(kind) != kind or not _same(array.to_pylist(), real):
        return None
    return ColumnPlan(kind, {"cells": "nested"}, partial(_typed, kind))


def _same(left: Any, right: Any) -> bool:
    """Whether two nested values are equal, and of the same types in the same order all the way down."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, dict):
        return list(left) == list(right) and all(map(_same, left.values(), right.values()))
    return repr(left) == repr(right)  # tells -0.0 from 0.0, and finds NaN equal to NaN


_PLANNERS: dict[type, Callable[["np.ndarray[Any, Any]"], ColumnPlan | None]] = {
    str: _plan_text,
    int: _plan_integers,
    bool: lambda values: _try(pa.bool_(), "bool", values),
    float: lambda values: _try(pa.float64(), "float", values),
    bytes: lambda values: _try(pa.large_binary(), "bytes", values),
    date: lambda values: _try(pa.date32(), "date", values),
    datetime: _plan_datetimes,
    time: _plan_times,
    timedelta: _plan_durations,
    Decimal: _plan_decimals,
    list: _plan_nested,
    dict: _plan_nested,
}


# -- back --------------------------------------------------------------------------------------------------------------


def _as_written(array: Any, _facts: Mapping[str, Any], _beside: Mapping[str, Any]) -> list[Any]:
    return list(array.to_pylist())


def _big_whole(array: Any, _facts: Mapping[str, Any], _beside: Mapping[str, Any]) -> list[Any]:
    return [None if cell is None else int(cell) for cell in array.to_pylist()]


def _durations(array: Any, _facts: Mapping[str, Any], _beside: Mapping[str, Any]) -> list[Any]:
    return list(array.cast(pa.duration("us")).to_pylist())


def _decimals(array: Any, facts: Mapping[str, Any], beside: Mapping[str, Any]) -> list[Any]:
    found = array.to_pylist()
    exponents = beside["exponents"].to_pylist() if "exponents" in beside else [facts["exponent"]] * len(found)
    return [
        None if cell is None else cell.quantize(Decimal((0, (1,), exponent)), context=_EXACT_TYPES)
        for cell, exponent in zip(found, exponents, strict=True)
    ]


def _decimal_texts(array: Any, _facts: Mapping[str, Any], _beside: Mapping[str, Any]) -> list[Any]:
    return decimals_of(array)


def _scalars(array: Any, facts: Mapping[str, Any], _beside: Mapping[str, Any]) -> list[Any]:
    kind = np.dtype(facts["dtype"]).type
    return [None if cell is None else kind(cell) for cell in array.to_pylist()]


def _from_json(array: Any, _facts: Mapping[str, Any], _beside: Mapping[str, Any]) -> list[Any]:
    return json_values(array)


_READERS: dict[str, Callable[[Any, Mapping[str, Any], Mapping[str, Any]], list[Any]]] = {
    "none": _as_written,
    "str": _as_written,
    "int": _as_written,
    "big int": _big_whole,
    "bool": _as_written,
    "float": _as_written,
    "bytes": _as_written,
    "date": _as_written,
    "datetime": _as_written,
    "time": _as_written,
    "timedelta": _durations,
    "decimal": _decimals,
    "decimal text": _decimal_texts,
    "scalar": _scalars,
    "nested": _as_written,
    "json": _from_json,
}

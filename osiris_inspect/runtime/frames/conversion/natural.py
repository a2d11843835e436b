"""Natural form of a column: what SQL, files and databases receive, as opposed to what restores pandas exactly.

The spill stores each column in an Arrow type that DuckDB reads alike from memory and from Parquet. Where that
type is not the natural one, the column's ``Natural`` names the difference:

============  =======================================  =====================  ============================
``kind``      stored as                                SQL                    writers
============  =======================================  =====================  ============================
``""``        its natural type                         the same               the same
``json``      JSON text                                VARCHAR                text, marked as JSON
``uuid``      text                                     VARCHAR                text, marked as UUID
``duration``  integer in ``detail``                     INTERVAL               Arrow duration
``interval``  struct of months, days and nanoseconds   INTERVAL               the struct, marked as interval
``decimal``   decimal text without exponent            VARCHAR                text, marked as decimal
``none``      internal JSON text                       an error when it is used  an error before anything is written
============  =======================================  =====================  ============================

A category is stored and written as its categories are. A duration that no type can represent is ISO 8601 text.
Arrow's ``date64``, which has milliseconds, is a timestamp.

``none`` is a column that has no natural form, such as objects of a class without text; ``reason`` names its type.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, Literal

import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from osiris_inspect.base.sql_literals import quote_name, quote_text
from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.frames.conversion.arrow_types import INTERVAL_TYPE
from osiris_inspect.runtime.frames.conversion.cell_json import cell_from_json
from osiris_inspect.runtime.frames.conversion.column_names import label_text
from osiris_inspect.runtime.frames.conversion.natural_cells import (
    NoNaturalFormError,
    duration_text,
    is_container,
    json_text,
    natural_scalar,
)

Kind = Literal["", "json", "uuid", "duration", "interval", "decimal", "none"]

NO_FORM_FIX: Final = "convert the column in the step that makes it, for example to text, or leave it out"


@dataclass(frozen=True, slots=True)
class Natural:
    """Natural form of a column.

    Attributes:
        kind: see above.
        detail: unit of a duration; precision and scale of a decimal, if declared.
        reason: type of a value that has no natural form.
    """

    kind: Kind = ""
    detail: str = ""
    reason: str = ""

    def to_json(self) -> dict[str, str]:
        """Return the form for ``schema.json``; empty for a column stored in its natural type."""
        content = {"kind": self.kind, "detail": self.detail, "reason": self.reason}
        return {key: value for key, value in content.items() if value}


STORED_NATURALLY: Final = Natural()
"""Form of a column that is stored in its natural type."""


def natural_of(field: Mapping[str, Any]) -> Natural:
    """Return the natural form of a column of ``schema.json``."""
    return Natural(**field.get("natural", {}))


def sql_expression(field: Mapping[str, Any]) -> str | None:
    """Return the SQL that yields a stored column in natural form; None if it is stored in it."""
    natural, name = natural_of(field), quote_name(field["physical"])
    if natural.kind == "duration":
        return _duration_sql(name, natural.detail, field["physical"])
    if natural.kind == "interval":
        nanoseconds = _duration_sql(f"{name}.nanoseconds", "ns", field["physical"])
        return f"to_months({name}.months) + to_days({name}.days) + {nanoseconds}"
    if natural.kind == "none":
        message = no_form_message(field, field["physical"])
        return f"CASE WHEN {name} IS NOT NULL THEN error({quote_text(message)}) END"
    return None


def _duration_sql(ticks: str, unit: str, column: str) -> str:
    """Return SQL that converts ticks to an INTERVAL, or fails if that would lose nanoseconds."""
    if unit == "ns":
        lost = quote_text(f"column '{column}' contains nanoseconds, which SQL cannot represent")
        return (
            f"CASE WHEN {ticks} % 1000 = 0 THEN to_microseconds({ticks} // 1000)"
            f" WHEN {ticks} IS NOT NULL THEN error({lost}) END"
        )
    return f"to_microseconds({ticks} * {_MICROSECONDS[unit]})"


_MICROSECONDS: Final = {"s": 1_000_000, "ms": 1000, "us": 1}


def no_form_message(field: Mapping[str, Any], name: str) -> str:
    """Return the message for a column without a natural form."""
    return f"column {name!r} contains {natural_of(field).reason}, which has no form outside pandas"


def natural_array(array: Any, field: Mapping[str, Any]) -> Any:
    """Return a stored column in natural form.

    Raises:
        DriverError: the column has none.
    """
    natural = natural_of(field)
    if natural.kind == "duration":
        return array.cast(pa.duration(natural.detail))
    if natural.kind == "none" and array.null_count < len(array):
        name = label_text(cell_from_json(field["name"]))
        raise DriverError(
            no_form_message(field, name),
            kind="value-not-convertible",
            fix=NO_FORM_FIX,
            column=name,
            type=field["dtype"],
            value_type=natural.reason,
        )
    return array


def natural_schema(stored: pa.Schema, fields: Sequence[Mapping[str, Any]]) -> pa.Schema:
    """Return the schema of the natural form of columns in their ``stored`` types."""
    types = {
        field["physical"]: pa.duration(natural_of(field).detail)
        for field in fields
        if natural_of(field).kind == "duration"
    }
    return pa.schema([pa.field(name, types.get(name, stored.field(name).type)) for name in stored.names])


def natural_batch(
    batch: pa.RecordBatch, fields: Sequence[Mapping[str, Any]], schema: pa.Schema
) -> pa.RecordBatch:
    """Return a stored batch in natural form; raises as ``natural_array``."""
    if all(not natural_of(field).kind for field in fields):
        return batch
    by_name = {field["physical"]: field for field in fields}
    columns = [
        natural_array(column, by_name[name]) if name in by_name else column
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def json_texts(array: pa.Array) -> pa.Array:
    """Return lists, structures or maps as JSON text."""
    convert = _plain_json_text if _is_vector_of_plain_numbers(array) else json_text
    return pa.array(
        [None if value is None else convert(value) for value in array.to_pylist()], pa.large_string()
    )


def _plain_json_text(value: Any) -> str:
    return orjson.dumps(value).decode()


def _is_vector_of_plain_numbers(array: pa.Array) -> bool:
    """Return True for lists of numbers that every JSON writer writes alike, such as embeddings."""
    kind = array.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        return False
    values = array.flatten()
    if pa.types.is_integer(values.type):
        return True
    return bool(pa.types.is_float64(values.type) and pc.all(pc.is_finite(values)).as_py() in (True, None))


# -- cells of several types ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NaturalCells:
    """Natural form of a column of Python objects: its stored type, and how its cells become it."""

    type: pa.DataType
    natural: Natural
    family: str

    def encode(self, cells: Iterable[Any]) -> pa.Array:
        """Return cells, None for gaps, in the stored type."""
        return pa.array([None if cell is None else _ENCODERS[self.family](cell) for cell in cells], self.type)


def natural_cells(cells: Iterable[Any]) -> NaturalCells:
    """Return the natural form of cells of several types; gaps are None.

    Numbers become numbers if no digit is lost, moments become moments, lists and objects become JSON, and other
    mixtures become text. Bytes beside other values have no natural form.
    """
    kinds: set[str] = set()
    try:
        for cell in cells:
            if cell is None:
                continue
            if is_container(cell):
                json_text(cell)
                kinds.add("json")
            else:
                kinds.add(_family(natural_scalar(cell)))
    except NoNaturalFormError as error:
        return _no_form(error.kind)
    except RecursionError:
        return _no_form("a value that contains itself")
    kinds.discard("")
    if "json" in kinds:
        return NaturalCells(pa.large_string(), Natural("json"), "json")
    family = next(iter(kinds)) if len(kinds) == 1 else _MIXTURES.get(frozenset(kinds), "text")
    if "bytes" in kinds and len(kinds) > 1:
        return _no_form("bytes beside other values")
    return _typed(family, cells)


def _typed(family: str, cells: Iterable[Any]) -> NaturalCells:
    if family == "number":
        family = "float" if all(_is_exact_float(natural_scalar(cell)) for cell in cells) else "text"
    while family != "text" and not _holds(_FAMILIES[family], cells):
        family = _FALLBACKS.get(family, "text")
    return _FAMILIES[family]


def _holds(form: NaturalCells, cells: Iterable[Any]) -> bool:
    try:
        form.encode(cells)
    except MemoryError:  # also an Arrow exception
        raise
    except (pa.ArrowException, OverflowError, ValueError):
        return False
    return True


_FALLBACKS: Final = {"int": "decimal", "duration": "nanosecond duration"}
"""Family of values that the stored type of their own family cannot represent; text for the others."""


def _is_exact_float(value: Any) -> bool:
    if value is None or isinstance(value, float):
        return True
    try:
        return not isinstance(value, bool) and float(value) == value
    except OverflowError:
        return False


def _no_form(reason: str) -> NaturalCells:
    return NaturalCells(pa.large_string(), Natural("none", reason=reason), "none")


def _family(value: Any) -> str:
    if value is None:
        return ""
    kind = type(value)
    if kind in (datetime, pd.Timestamp):
        if value.tzinfo is not None:
            return "moment"
        return "nanoseconds" if getattr(value, "nanosecond", 0) else "datetime"
    return _FAMILY_OF.get(kind, "text")


_FAMILY_OF: Final[Mapping[type, str]] = {
    str: "text",
    bool: "bool",
    int: "int",
    float: "float",
    Decimal: "decimal",
    date: "date",
    time: "time",
    timedelta: "duration",
    pd.Timedelta: "duration",
    pa.MonthDayNano: "interval",
    bytes: "bytes",
}
_MIXTURES: Final[Mapping[frozenset[str], str]] = {
    frozenset({"int", "float"}): "number",
    frozenset({"int", "decimal"}): "decimal",
    frozenset({"int", "float", "decimal"}): "number",
    frozenset({"float", "decimal"}): "number",
    frozenset({"date", "datetime"}): "datetime",
    frozenset({"datetime", "nanoseconds"}): "nanoseconds",
    frozenset({"date", "datetime", "nanoseconds"}): "nanoseconds",
    frozenset({"duration", "interval"}): "interval",
}


def _plain_text(cell: Any) -> str:
    value = natural_scalar(cell)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f")
    return duration_text(value) if isinstance(value, (timedelta, pa.MonthDayNano)) else str(value)


def _float(cell: Any) -> float | None:
    value = float(natural_scalar(cell))
    return None if math.isnan(value) else value  # NaN means no value in pandas


def _moment(cell: Any) -> Any:
    """Return a date or moment as a datetime, in UTC if it has a zone."""
    value = natural_scalar(cell)
    if type(value) is date:
        return datetime(value.year, value.month, value.day)
    return value


def _microseconds(cell: Any) -> int:
    nanoseconds = _nanoseconds(cell)
    if nanoseconds % 1000:
        raise ValueError("nanoseconds")
    return nanoseconds // 1000


def _nanoseconds(cell: Any) -> int:
    value = natural_scalar(cell)
    whole = (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
    return int(whole * 1000 + getattr(value, "nanoseconds", 0))


def _interval(cell: Any) -> dict[str, int]:
    value = natural_scalar(cell)
    if isinstance(value, pa.MonthDayNano):
        return {"months": value.months, "days": value.days, "nanoseconds": value.nanoseconds}
    return {"months": 0, "days": 0, "nanoseconds": _nanoseconds(value)}


_FAMILIES: Final[Mapping[str, NaturalCells]] = {
    family: NaturalCells(kind, natural, family)
    for family, kind, natural in (
        ("text", pa.large_string(), Natural()),
        ("bool", pa.bool_(), Natural()),
        ("int", pa.int64(), Natural()),
        ("float", pa.float64(), Natural()),
        ("decimal", pa.large_string(), Natural("decimal")),
        ("date", pa.date32(), Natural()),
        ("datetime", pa.timestamp("us"), Natural()),
        ("nanoseconds", pa.timestamp("ns"), Natural()),
        ("moment", pa.timestamp("us", "UTC"), Natural()),
        ("time", pa.time64("us"), Natural()),
        ("duration", pa.int64(), Natural("duration", "us")),
        ("nanosecond duration", pa.int64(), Natural("duration", "ns")),
        ("interval", INTERVAL_TYPE, Natural("interval")),
        ("bytes", pa.large_binary(), Natural()),
    )
}
_ENCODERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(("bool", "int", "date", "time", "bytes"), natural_scalar),
    **dict.fromkeys(("text", "decimal"), _plain_text),
    **dict.fromkeys(("datetime", "nanoseconds", "moment"), _moment),
    "float": _float,
    "duration": _microseconds,
    "nanosecond duration": _nanoseconds,
    "interval": _interval,
    "json": json_text,
}

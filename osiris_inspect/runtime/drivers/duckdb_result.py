"""Result of a DuckDB query as Arrow, exact or refused.

DuckDB hands out some of its types to Arrow in forms that cannot be read back: BIT and BIGNUM as internal bytes, TIME
WITH TIME ZONE without the zone, UHUGEINT as a signed number, infinite dates as the largest number. Such types are cast
in SQL: BIT, BIGNUM, TIME WITH TIME ZONE and UNION to text, UHUGEINT to an Arrow decimal of 39 digits. The hours of an
INTERVAL that overflow become days. Values that Arrow
cannot represent are refused: infinite dates and timestamps, the time 24:00:00, HUGEINT of 39 digits.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from osiris_inspect.base.sql_literals import quote_name, quote_text
from osiris_inspect.model.errors import DriverError

_AS_TEXT: Final = frozenset({"bit", "bignum", "time with time zone", "union", "uhugeint"})
_NESTED: Final = frozenset({"struct", "list", "array", "map"})
_HOURS_OF_ARROW: Final = 2_562_047
"""Hours of an interval beside its days, from which on Arrow's nanoseconds overflow without an error."""
_SEVEN_DIGITS_OF_HOURS: Final = r"\d{7}:\d\d:\d\d"
_LONG_INTERVAL: Final = "an interval of a million hours inside a list or structure"
_UNSIGNED_HUGE: Final = pa.decimal256(39, 0)
_LARGEST: Final = {"timestamp": 2**63 - 1, "date": 2**31 - 1}
_EXCEPTIONS: Final = {
    name.lower(): value
    for name, value in vars(duckdb).items()
    if isinstance(value, type) and issubclass(value, duckdb.Error)
} | {"mismatchtypeexception": duckdb.TypeMismatchException}
_SAMPLE_ROWS: Final = 256
_DAY: Final = {"us": 86_400_000_000, "ns": 86_400_000_000_000}


def result_batches(relation: duckdb.DuckDBPyRelation, rows: int) -> pa.RecordBatchReader:
    """Return a reader of the rows of a query, at most ``rows`` at a time.

    Raises, also while the reader is read:
        DriverError: a value has no form in Arrow; names its column.
        duckdb.Error: the query failed.
    """
    types, names = relation.types, relation.columns
    exports = [
        _export(f"#{number}", name, kind)
        for number, (name, kind) in enumerate(zip(names, types, strict=True), 1)
    ]
    if any(exports):
        columns = [
            f"{export or f'#{number}'} AS {quote_name(name)}"
            for number, (export, name) in enumerate(zip(exports, names, strict=True), 1)
        ]
        relation = relation.project(", ".join(columns))
    reader = relation.to_arrow_reader(rows)
    schema = reader.schema
    for number, kind in enumerate(types):
        if kind.id == "uhugeint":
            schema = schema.set(number, pa.field(schema.field(number).name, _UNSIGNED_HUGE))
    return pa.RecordBatchReader.from_batches(schema, _checked(reader, schema))


def _export(column: str, name: str, kind: Any) -> str | None:
    """Return the SQL that hands a column out; None if it is handed out as it is."""
    if kind.id == "interval":
        hours = f"extract('hour' FROM {column})"
        days = f"to_days(CAST({hours} // 24 AS INTEGER)) + to_hours({hours} % 24)"
        large = f"abs({hours}) >= {_HOURS_OF_ARROW}"
        return f"CASE WHEN {large} THEN {column} - to_hours({hours}) + {days} ELSE {column} END"
    cast = _export_type(kind)
    expression = f"{column}::{cast}" if cast else column
    if _has_interval(kind):
        message = quote_text(f"column '{name}' contains {_LONG_INTERVAL}, which SQL cannot hand on")
        is_long = f"regexp_matches({column}::VARCHAR, '{_SEVEN_DIGITS_OF_HOURS}')"
        return f"CASE WHEN {is_long} THEN error({message}) ELSE {expression} END"
    return expression if cast else None


def _has_interval(kind: Any) -> bool:
    if kind.id not in _NESTED:
        return bool(kind.id == "interval")
    return any(_has_interval(child) for name, child in kind.children if name != "size")


def _export_type(kind: Any) -> str | None:
    """Return the type to cast a column to before it is handed out; None if it is handed out as it is."""
    if kind.id in _AS_TEXT:
        return "VARCHAR"
    if kind.id not in _NESTED:
        return None
    children = [(name, child) for name, child in kind.children if name != "size"]
    inner = [_inner_type(child) for _, child in children]
    if not any(inner):
        return None
    texts = [cast or str(child) for cast, (_, child) in zip(inner, children, strict=True)]
    if kind.id == "struct":
        return f"STRUCT({', '.join(f'{quote_name(name)} {text}' for (name, _), text in zip(children, texts, strict=True))})"
    return f"MAP({', '.join(texts)})" if kind.id == "map" else f"{texts[0]}[]"


def _inner_type(kind: Any) -> str | None:
    return "VARCHAR" if kind.id == "enum" else _export_type(kind)


def _checked(reader: pa.RecordBatchReader, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for batch in _with_duckdb_errors(reader):
        for name, column in zip(schema.names, batch.columns, strict=True):
            _check(name, column)
        yield batch if batch.schema == schema else batch.cast(schema)


def _with_duckdb_errors(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """Yield the batches; raise the error of DuckDB that Arrow hands over as a text: ``Conversion Error: …``."""
    try:
        yield from reader
    except OSError as error:
        text = str(error)
        class_name = text.partition(" Error: ")[0].replace(" ", "").lower() + "exception"
        raise _EXCEPTIONS.get(class_name, duckdb.Error)(text) from error


def _check(name: str, column: pa.Array) -> None:
    """Check that Arrow represents the values of a column.

    Raises:
        DriverError: it does not.
    """
    kind = column.type
    if kinds.is_list(kind) or kinds.is_large_list(kind) or kinds.is_fixed_size_list(kind):
        _check(name, column.flatten())
    elif kinds.is_struct(kind):
        for part in column.flatten():
            _check(name, part)
    elif kinds.is_map(kind):
        _check(name, column.keys)
        _check(name, column.items)
    elif kinds.is_timestamp(kind):
        _refuse_above(name, column.cast(pa.int64()), _LARGEST["timestamp"], "an infinite timestamp")
    elif kinds.is_date(kind):
        _refuse_above(name, column.cast(pa.int32()), _LARGEST["date"], "an infinite date")
    elif kinds.is_time(kind):
        _refuse_above(name, column.cast(pa.int64()), _DAY[kind.unit], "the time 24:00:00")
    elif kinds.is_decimal(kind) and kind.precision == 38 and kind.scale == 0:
        _refuse_above(name, column, Decimal(10) ** 38, "a number of 39 digits")


def _refuse_above(name: str, column: pa.Array, limit: Any, what: str) -> None:
    ends = pc.min_max(column)
    low, high = ends["min"].as_py(), ends["max"].as_py()
    if low is not None and (low <= -limit or high >= limit):
        raise DriverError(
            f"column {name!r} contains {what}, which no frame can represent",
            kind="value-not-convertible",
            fix=f"cast {name!r} to VARCHAR in the query, or replace the value, for example by NULL",
            column=name,
            type=str(column.type),
        )


class ConstantColumns:
    """The columns of a stream of batches that have had one value in all rows."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._values: dict[int, Any] = {}
        self._has_begun = False

    def update(self, batch: pa.RecordBatch) -> None:
        """Add the rows of the next batch."""
        if not batch.num_rows:
            return
        numbers = list(self._values) if self._has_begun else range(batch.num_columns)
        values = {number: _only_value(batch.column(number)) for number in numbers}
        before = self._values if self._has_begun else values
        self._values = {
            number: value for number, value in values.items() if value is not None and value == before[number]
        }
        self._has_begun = True

    def only_value(self, name: str) -> Any:
        """Return the value of all rows of a column; None if there are several, or several columns of the name."""
        is_unique = self._names.count(name) == 1
        return self._values.get(self._names.index(name)) if is_unique else None


def only_value(table: pa.Table, name: str) -> Any:
    """Return the value of all rows of a column; None if there are several, or several columns of the name."""
    is_unique = table.schema.names.count(name) == 1
    return _only_value(table.column(name)) if is_unique else None


def _only_value(values: Any) -> Any:
    """Return the value that all rows of a column have; None if they have several or cannot be compared."""
    try:
        if len(values.slice(0, _SAMPLE_ROWS).unique()) != 1 or len(values.unique()) != 1:
            return None
    except pa.ArrowNotImplementedError:  # nested
        return None
    return values[0].as_py()

"""Rows in the binary form of COPY, which is three times as fast as CSV.

Only for columns whose values PostgreSQL stores the same in both forms. Needs pgpq.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from osiris_inspect.runtime.drivers.postgres.types import TargetColumn

_TYPES: Final[Mapping[str, pa.DataType]] = {
    "boolean": pa.bool_(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "real": pa.float32(),
    "double precision": pa.float64(),
    "text": pa.large_string(),
    "date": pa.date32(),
    "timestamp without time zone": pa.timestamp("us"),
    "timestamp with time zone": pa.timestamp("us", "UTC"),
}
"""Type of a column of a table to the type whose bytes PostgreSQL reads."""
_VARCHAR: Final = re.compile(r"character varying(?:\(\d+\))?")
_DAYS: Final = (-719_162, 2_932_896)
"""The first and the last day of the years 1 to 9999. Others are left to CSV: in binary form, some are infinity."""


def binary_schema(columns: Sequence[TargetColumn]) -> pa.Schema | None:
    """Return the types to send; None if a column must be sent as text, or pgpq is not installed."""
    fields = []
    for column in columns:
        kind = _TYPES.get("text" if _VARCHAR.fullmatch(column.target) else column.target)
        if kind is None or not _is_same(column.arrow_type, kind):
            return None
        fields.append(pa.field(column.name, kind))
    return pa.schema(fields) if find_spec("pgpq") else None


def binary_rows(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[bytes, int]]:
    """Yield the rows as bytes, and how many they are.

    Raises:
        pa.ArrowInvalid: a value has no binary form of its type.
    """
    from pgpq import ArrowToPostgresBinaryEncoder

    encoder = ArrowToPostgresBinaryEncoder(schema)
    yield encoder.write_header(), 0
    for batch in batches:
        arrays = [_cast(array, field.type) for array, field in zip(batch.columns, schema, strict=True)]
        yield encoder.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema)), batch.num_rows
    yield encoder.finish(), 0


def _is_same(kind: pa.DataType, sent: pa.DataType) -> bool:
    """Return True if a cast to ``sent`` changes no value, or fails."""
    if kinds.is_integer(sent):
        return bool(kinds.is_integer(kind))
    if kinds.is_large_string(sent):
        return bool(kinds.is_string(kind) or kinds.is_large_string(kind))
    if kinds.is_timestamp(sent):
        return bool(kinds.is_timestamp(kind) and (kind.tz is None) == (sent.tz is None))
    return bool(kind == sent)


def _cast(array: pa.Array, kind: pa.DataType) -> pa.Array:
    cast = array.cast(kind)
    if kinds.is_temporal(kind):
        numbers, per_day = (
            (cast.cast(pa.int32()), 1) if kinds.is_date(kind) else (cast.cast(pa.int64()), 86_400_000_000)
        )
        ends = pc.min_max(numbers)
        first, last = ends["min"].as_py(), ends["max"].as_py()
        if first is not None and not (_DAYS[0] * per_day <= first and last < (_DAYS[1] + 1) * per_day):
            raise pa.ArrowInvalid("a year is not between 1 and 9999")
    return cast

"""How a frame is kept, as a value: its columns in normal form, slice by slice, and what restores it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from osiris_inspect.runtime.frames.conversion import cell_json as cells
from osiris_inspect.runtime.frames.conversion.arrow_types import ROWS_PER_SLICE
from osiris_inspect.runtime.frames.conversion.column_plan import ColumnPlan

Slice = tuple[list[pa.Array], list[pa.Array]]
"""Arrays of the columns SQL sees, and of those beside them."""


@dataclass(frozen=True, slots=True)
class PlannedColumn:
    """A column under the name it has in a table, and the values it is taken from."""

    name: str
    column: ColumnPlan
    values: Any


def columns_of(fields: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names SQL sees."""
    return [field["physical"] for field in fields]


def dtypes_of(fields: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Each column's type in the frame."""
    return {field["physical"]: field["dtype"] for field in fields}


@dataclass(frozen=True, slots=True)
class FramePlan:
    """How a frame is kept.

    Attributes:
        rows: of the frame; None for a stream, whose end is not known.
        parts: the columns SQL sees.
        besides: the columns beside them: name, type, encoder and values.
        facts: what restores the frame, as JSON; the facts of its columns are in ``fields``.
        fields: per column its name, types and restoring facts.
        lost: what is known beforehand to be lost, by column.
        stream: where the slices come from, once, if there is no frame to cut.
        metadata: gives what ``pandas.read_parquet`` reads the types from; None where our form would mislead it.
            Asked for only when the frame is written: making it costs more than all else of a small frame.
    """

    rows: int | None
    planned_columns: tuple[PlannedColumn, ...]
    index_columns: tuple[PlannedColumn, ...]
    restore_info: Mapping[str, Any]
    fields: tuple[Mapping[str, Any], ...]
    not_restorable: tuple[tuple[str, str], ...] = ()
    stream: Iterator[pa.Table] | None = None
    metadata: Callable[[], Mapping[bytes, bytes] | None] = lambda: None

    @property
    def schema(self) -> pa.Schema:
        """The columns SQL sees."""
        return _schema(self.planned_columns)

    @property
    def beside_schema(self) -> pa.Schema:
        """The columns beside them; empty for most frames."""
        return _schema(self.index_columns)

    @property
    def object_columns(self) -> tuple[int, ...]:
        """The places of the columns of Python objects."""
        return tuple(place for place, field in enumerate(self.fields) if field["dtype"] == "object")

    def arrays(self, rows: int = ROWS_PER_SLICE) -> Iterator[Slice]:
        """The frame in normal form as bare arrays, ``rows`` at a time."""
        if self.stream is not None:
            for table in self.stream:
                yield _encoded(self.planned_columns, table.columns or [range(table.num_rows)]), []
            return
        whole = self.rows or 0
        for start in range(0, whole, rows):
            cut = slice(start, min(start + rows, whole)) if rows < whole else None
            yield _cut(self.planned_columns, cut), _cut(self.index_columns, cut)

    def slices(self, rows: int = ROWS_PER_SLICE) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch | None]]:
        """The frame in normal form, ``rows`` at a time; the second of each pair is None where nothing is beside."""
        schema, beside_schema = self.schema, self.beside_schema
        for main, beside in self.arrays(rows):
            other = pa.RecordBatch.from_arrays(beside, schema=beside_schema) if beside else None
            yield pa.RecordBatch.from_arrays(main, schema=schema), other
            del main, beside, other  # else they live until the next slice is made, and the peak is two slices

    def fidelity_report(self) -> list[dict[str, str]]:
        """What cannot be restored. Complete once every slice was taken."""
        found = list(self.not_restorable)
        for part in (*self.planned_columns, *self.index_columns):
            found += [(part.name, what) for what in sorted(part.column.not_restorable)]
        return [{"column": column, "lost": what} for column, what in dict.fromkeys(found)]


def field_metadata(part_name: str, column: ColumnPlan, label: Any, dtype: Any) -> dict[str, Any]:
    """What ``schema.json`` says of a column."""
    return {
        "name": cells.cell_to_json(label, set()),
        "name_type": type(label).__name__,
        "physical": part_name,
        "dtype": str(dtype),
        "arrow": str(column.type),
        "facts": dict(column.restore_info),
        "beside": {key: f"{part_name}.{key}" for key in column.hidden},
    }


def hidden_column(part: PlannedColumn, key: str) -> PlannedColumn:
    """What a column keeps beside it under ``key``."""
    kind, encode = part.column.hidden[key]
    return PlannedColumn(f"{part.name}.{key}", ColumnPlan(kind, {}, encode), part.values)


def _schema(planned_columns: Sequence[PlannedColumn]) -> pa.Schema:
    return pa.schema([pa.field(part.name, part.column.type) for part in planned_columns])


def _cut(planned_columns: Sequence[PlannedColumn], cut: slice | None) -> list[pa.Array]:
    return _encoded(
        planned_columns, [part.values if cut is None else part.values[cut] for part in planned_columns]
    )


def _encoded(planned_columns: Sequence[PlannedColumn], values: Sequence[Any]) -> list[pa.Array]:
    return [part.column.encode(some) for part, some in zip(planned_columns, values, strict=True)]

"""Plan of a frame: its columns in normal form, slice by slice, and what restores it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from osiris_inspect.runtime.frames.conversion.arrow_types import ROWS_PER_SLICE, rows_per_slice
from osiris_inspect.runtime.frames.conversion.cell_json import cell_from_json, cell_to_json
from osiris_inspect.runtime.frames.conversion.column_plan import ColumnPlan

Slice = tuple[list[pa.Array], list[pa.Array]]
"""Arrays of the columns SQL sees, and of the hidden columns."""


@dataclass(frozen=True, slots=True)
class PlannedColumn:
    """Column with its SQL name and the values that it is encoded from."""

    name: str
    column: ColumnPlan
    values: Any


def columns_of(fields: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names SQL sees."""
    return [field["physical"] for field in fields]


def dtypes_of(fields: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the original type of each column by its SQL name."""
    return {field["physical"]: field["dtype"] for field in fields}


def original_names_of(fields: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the name in the driver's frame, as text, of each column that has another SQL name."""
    labels = {field["physical"]: cell_from_json(field["name"]) for field in fields}
    return {name: str(label) for name, label in labels.items() if str(label) != name}


@dataclass(frozen=True, slots=True)
class FramePlan:
    """Plan for storing a frame.

    Attributes:
        rows: rows of the frame; None for a stream of unknown length.
        planned_columns: the columns SQL sees.
        index_columns: the hidden columns, including the levels of the index.
        restore_info: JSON that restores the frame; the info of its columns is in ``fields``.
        fields: name, types and restore info of each column.
        not_restorable: losses known in advance, by column.
        stream: source of the slices, readable once, if there is no frame to slice.
        metadata: returns the types for ``pandas.read_parquet``, or None if they would be wrong. Called only when
            the frame is written, because it is slow for small frames.
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
        """Schema of the columns SQL sees."""
        return _schema(self.planned_columns)

    @property
    def hidden_schema(self) -> pa.Schema:
        """Schema of the hidden columns; empty for most frames."""
        return _schema(self.index_columns)

    @property
    def index_left_out(self) -> tuple[str, ...]:
        """Types of the unnamed levels of the index, which only pandas sees; numbers, such as those of a filter, do not count."""
        levels = self.restore_info.get("index", {}).get("levels", ())
        unnamed = (level["dtype"] for level in levels if not level.get("is_named"))
        return tuple(dtype for dtype in unnamed if not dtype.lower().startswith(("int", "uint")))

    @property
    def object_columns(self) -> tuple[int, ...]:
        """Positions of the columns of Python objects in the frame."""
        columns = [field for field in self.fields if "index" not in field]
        return tuple(position for position, field in enumerate(columns) if field["dtype"] == "object")

    def arrays(self, rows: int = ROWS_PER_SLICE) -> Iterator[Slice]:
        """Yield the frame in stored form as arrays, at most ``rows`` rows and about ``BYTES_PER_SLICE`` at a time."""
        if self.stream is not None:
            for table in self.stream:
                values = table.columns or [range(table.num_rows)]
                columns = {
                    planned.name: column for planned, column in zip(self.planned_columns, values, strict=True)
                }
                yield (
                    [planned.column.encode(columns[planned.name]) for planned in self.planned_columns],
                    # the name of a hidden column is that of its column and a key
                    [
                        hidden.column.encode(columns[hidden.name.rpartition(".")[0]])
                        for hidden in self.index_columns
                    ],
                )
            return
        rows = min(rows, rows_per_slice(self.rows or 0, self._sampled_bytes))
        for start in range(0, self.rows or 0, rows):
            yield _encode(self.planned_columns, start, rows), _encode(self.index_columns, start, rows)

    def _sampled_bytes(self, positions: Any) -> int:
        return sum(_bytes_at(planned, positions) for planned in self.planned_columns)

    def slices(self, rows: int = ROWS_PER_SLICE) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch | None]]:
        """Yield the frame in normal form, ``rows`` rows at a time, with its hidden columns, if any."""
        schema, hidden_schema = self.schema, self.hidden_schema
        for main, hidden in self.arrays(rows):
            other = pa.RecordBatch.from_arrays(hidden, schema=hidden_schema) if hidden else None
            yield pa.RecordBatch.from_arrays(main, schema=schema), other
            del main, hidden, other  # or two slices are in memory while the next one is made

    def fidelity_report(self) -> list[dict[str, str]]:
        """Return what cannot be restored; complete once every slice was encoded."""
        losses = list(self.not_restorable)
        for planned in (*self.planned_columns, *self.index_columns):
            losses += [(planned.name, loss) for loss in sorted(planned.column.not_restorable)]
        return [{"column": column, "lost": loss} for column, loss in dict.fromkeys(losses)]


def field_metadata(name: str, column: ColumnPlan, label: Any, dtype: Any) -> dict[str, Any]:
    """Return the entry of a column in ``schema.json``."""
    entry = {
        "name": cell_to_json(label, set()),
        "name_type": type(label).__name__,
        "physical": name,
        "dtype": str(dtype),
        "arrow": str(column.type),
        "facts": dict(column.restore_info),
        "beside": {key: f"{name}.{key}" for key in column.hidden},
    }
    natural = column.natural.to_json()
    return entry | {"natural": natural} if natural else entry


def hidden_column(planned: PlannedColumn, key: str) -> PlannedColumn:
    """Return the hidden column of a planned column under ``key``."""
    kind, encode = planned.column.hidden[key]
    return PlannedColumn(f"{planned.name}.{key}", ColumnPlan(kind, {}, encode), planned.values)


def _schema(columns: Sequence[PlannedColumn]) -> pa.Schema:
    return pa.schema([pa.field(planned.name, planned.column.type) for planned in columns])


def _bytes_at(planned: PlannedColumn, positions: Any) -> int:
    """Return the bytes of the rows at some positions in stored form."""
    kind = planned.column.type
    if pa.types.is_primitive(kind) or pa.types.is_boolean(kind):
        return int(len(positions) * max(1, kind.bit_width // 8))
    values = planned.values
    taken = values.take(pa.array(positions)) if isinstance(values, pa.ChunkedArray) else values[positions]
    return int(planned.column.encode(taken).nbytes)


def _encode(columns: Sequence[PlannedColumn], start: int, rows: int) -> list[pa.Array]:
    return [planned.column.encode(planned.values[start : start + rows]) for planned in columns]

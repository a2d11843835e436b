"""Resolved input of a step: its frame for pandas, Arrow and SQL, from memory or disk."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import pandas as pd
import pyarrow as pa

from osiris_inspect.base.sql_literals import quote_name
from osiris_inspect.model.errors import SpillCorrupt
from osiris_inspect.model.manifest import InputRef
from osiris_inspect.model.run_types import InputLocation
from osiris_inspect.runtime.frames.conversion.arrow_types import ROWS_PER_SLICE
from osiris_inspect.runtime.frames.conversion.frame_plan import FramePlan, columns_of, original_names_of
from osiris_inspect.runtime.frames.conversion.natural import natural_batch, natural_schema, sql_expression
from osiris_inspect.runtime.frames.frame_copies import consumer_copy
from osiris_inspect.runtime.frames.spill import schema_json
from osiris_inspect.runtime.frames.spill import spill_file as spill
from osiris_inspect.runtime.frames.spill.spill_file import SpillFile
from osiris_inspect.runtime.frames.spill.spiller import EmitEvent, discard_event


@dataclass(frozen=True, slots=True)
class ResolvedInput:
    """Input of a step that was found in memory or on disk.

    All methods return the same values: ``to_pandas`` the driver's frame, the others its natural form, in which the
    named levels of an index are columns. Consumers never see each other's changes.

    Attributes:
        input_ref: the requested input.
        location: where the frame was found.
        rows: rows of the frame.
        attempts: the places searched, as written to events.
        schema_hash: equal for frames with the same columns.
        fingerprint: equal for frames with the same values.
        drops_index: the index is left out.
    """

    input_ref: InputRef
    location: InputLocation
    rows: int
    attempts: tuple[Mapping[str, Any], ...]
    schema_hash: str
    fingerprint: str
    _source: FramePlan | SpillFile
    _frame: pd.DataFrame | pa.Table | None = None
    _emit: EmitEvent = discard_event
    drops_index: bool = False

    @classmethod
    def in_memory(
        cls,
        input_ref: InputRef,
        frame: Any,
        plan: FramePlan,
        attempts: tuple[Mapping[str, Any], ...],
        fingerprint: str,
    ) -> "ResolvedInput":
        """Return an input whose frame is in memory, with its plan."""
        hash_ = schema_json.schema_hash(plan)
        return cls(input_ref, "memory", plan.rows or 0, attempts, hash_, fingerprint, plan, frame)

    @classmethod
    def on_disk(
        cls, input_ref: InputRef, spilled: SpillFile, attempts: tuple[Mapping[str, Any], ...], emit: EmitEvent
    ) -> "ResolvedInput":
        """Return an input that was spilled; ``emit`` receives an event at each read."""
        hash_, fingerprint = str(spilled.document["schema_hash"]), str(spilled.document["fingerprint"])
        return cls(input_ref, "spill", spilled.rows, attempts, hash_, fingerprint, spilled, _emit=emit)

    @property
    def parquet_path(self) -> Path | None:
        """The Parquet file for SQL; None for a frame in memory."""
        return self._source.parquet if isinstance(self._source, SpillFile) else None

    @property
    def fields(self) -> Sequence[Mapping[str, Any]]:
        """The entries of ``schema.json`` for the columns."""
        if isinstance(self._source, SpillFile):
            fields: Sequence[Mapping[str, Any]] = self._source.document["restore"]["fields"]
        else:
            fields = self._source.fields
        return [field for field in fields if "index" not in field] if self.drops_index else fields

    @property
    def dtypes(self) -> Mapping[str, str]:
        """Type of each column in the driver's frame, by its SQL name."""
        return {field["physical"]: field["dtype"] for field in self.fields}

    @property
    def column_names(self) -> Mapping[str, str]:
        """Name of each column in the driver's frame, as text, by its SQL name."""
        return {name: name for name in columns_of(self.fields)} | original_names_of(self.fields)

    @property
    def sql_columns(self) -> str:
        """Select list that yields the natural form of the stored columns."""
        columns = [(field["physical"], sql_expression(field)) for field in self.fields]
        if not columns:
            return "*"
        return ", ".join(
            f"{expression} AS {quote_name(name)}" if expression else quote_name(name)
            for name, expression in columns
        )

    def without_index(self) -> "ResolvedInput":
        """Return the input without the index of its frame."""
        return replace(self, drops_index=True)

    def to_pandas(self) -> pd.DataFrame:
        """Return the frame as a DataFrame owned by the consumer.

        Raises:
            SpillCorrupt: the spill files differ from what was written.
        """
        if isinstance(self._source, SpillFile):
            frame: pd.DataFrame = self._read(self._source, spill.read_frame)
        else:
            frame = consumer_copy(self._frame, self._source.object_columns)
        return frame.reset_index(drop=True) if self.drops_index else frame

    def to_frame(self) -> pd.DataFrame | pa.Table:
        """Return the frame as the driver returned it, which the consumer must not change; raises as ``to_pandas``."""
        if isinstance(self._source, SpillFile):
            return self._read(self._source, spill.read_original)
        return self._frame

    def to_arrow(self) -> pa.Table:
        """Return the frame as an Arrow table in natural form.

        Raises:
            DriverError: a column has no natural form.
            SpillCorrupt: as for ``to_pandas``.
        """
        if isinstance(self._source, SpillFile) and self._is_stored_naturally:
            return self._read(self._source, spill.read_arrow)  # maps the file into memory
        return self.to_batches().read_all()

    @property
    def _is_stored_naturally(self) -> bool:
        return not self.drops_index and not any(field.get("natural") for field in self.fields)

    def to_batches(self, rows: int = ROWS_PER_SLICE) -> pa.RecordBatchReader:
        """Return a reader of the frame in natural form, ``rows`` rows at a time; raises as ``to_arrow``."""
        stored, fields = self.stored_batches(rows), self.fields
        names = columns_of(fields) or stored.schema.names
        schema = natural_schema(pa.schema([stored.schema.field(name) for name in names]), fields)
        return pa.RecordBatchReader.from_batches(schema, _natural_batches(stored, fields, schema))

    def stored_batches(self, rows: int = ROWS_PER_SLICE) -> pa.RecordBatchReader:
        """Return a reader of the frame as it is stored, for SQL that selects ``sql_columns``."""
        if isinstance(self._source, SpillFile):
            return self._read(self._source, lambda spilled: spill.read_batches(spilled, rows))
        batches = (batch for batch, _ in self._source.slices(rows))
        return pa.RecordBatchReader.from_batches(self._source.schema, batches)

    def _read(self, spilled: SpillFile, read: Callable[[SpillFile], Any]) -> Any:
        step = self.input_ref.from_step
        event_fields = {"step_id": step, "path": spilled.path, "rows": spilled.rows}
        start = perf_counter()
        try:
            content = read(spilled)
        except SpillCorrupt as damage:
            self._emit("spill_read", event_fields | {"ok": False, "error": str(damage)})
            raise
        ms = round((perf_counter() - start) * 1000, 1)
        self._emit("spill_read", event_fields | {"ok": True, "bytes": spilled.bytes, "ms": ms})
        return content


def _natural_batches(
    stored: pa.RecordBatchReader, fields: Sequence[Mapping[str, Any]], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    for batch in stored:
        selected = batch if batch.schema.names == schema.names else batch.select(schema.names)
        yield natural_batch(selected, fields, schema)

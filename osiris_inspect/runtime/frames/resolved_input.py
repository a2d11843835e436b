"""Resolved input of a step: its frame for pandas, Arrow and SQL, from memory or disk."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import pandas as pd
import pyarrow as pa

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import SpillCorrupt
from osiris_inspect.model.manifest import InputRef
from osiris_inspect.model.run_types import InputLocation
from osiris_inspect.runtime.frames.conversion.arrow_types import ROWS_PER_SLICE
from osiris_inspect.runtime.frames.conversion.frame_plan import FramePlan, columns_of, original_names_of
from osiris_inspect.runtime.frames.frame_copies import consumer_copy
from osiris_inspect.runtime.frames.spill import schema_json
from osiris_inspect.runtime.frames.spill import spill_file as spill
from osiris_inspect.runtime.frames.spill.spill_file import SpillFile
from osiris_inspect.runtime.frames.spill.spiller import EmitEvent, discard_event


@dataclass(frozen=True, slots=True)
class ResolvedInput:
    """Input of a step that was found in memory or on disk.

    All methods return the same values. Consumers never see each other's changes.

    Attributes:
        input_ref: the requested input.
        location: where the frame was found.
        rows: rows of the frame.
        attempts: the places searched, as written to events.
        schema_hash: equal for frames with the same columns.
    """

    input_ref: InputRef
    location: InputLocation
    rows: int
    attempts: tuple[Mapping[str, Any], ...]
    schema_hash: str
    _source: FramePlan | SpillFile
    _frame: pd.DataFrame | pa.Table | None = None
    _emit: EmitEvent = discard_event

    @classmethod
    def in_memory(
        cls, input_ref: InputRef, frame: Any, plan: FramePlan, attempts: tuple[Mapping[str, Any], ...]
    ) -> "ResolvedInput":
        """Return an input whose frame is in memory, with its plan."""
        return cls(input_ref, "memory", plan.rows or 0, attempts, schema_json.schema_hash(plan), plan, frame)

    @classmethod
    def on_disk(
        cls, input_ref: InputRef, spilled: SpillFile, attempts: tuple[Mapping[str, Any], ...], emit: EmitEvent
    ) -> "ResolvedInput":
        """Return an input that was spilled; ``emit`` receives an event at each read."""
        hash_ = str(spilled.document["schema_hash"])
        return cls(input_ref, "spill", spilled.rows, attempts, hash_, spilled, _emit=emit)

    @property
    def parquet_path(self) -> Path | None:
        """The Parquet file for SQL; None for a frame in memory."""
        return self._source.parquet if isinstance(self._source, SpillFile) else None

    @property
    def dtypes(self) -> Mapping[str, str]:
        """Type of each column in the driver's frame, by its SQL name."""
        if isinstance(self._source, SpillFile):
            dtypes: Mapping[str, str] = self._source.document["dtypes"]
            return dtypes
        return {field["physical"]: field["dtype"] for field in self._source.fields}

    @property
    def column_names(self) -> Mapping[str, str]:
        """Name of each column in the driver's frame, as text, by its SQL name."""
        if isinstance(self._source, SpillFile):
            fields = self._source.document["restore"]["fields"]
        else:
            fields = self._source.fields
        return {name: name for name in columns_of(fields)} | original_names_of(fields)

    def to_pandas(self) -> pd.DataFrame:
        """Return the frame as a DataFrame owned by the consumer.

        Raises:
            SpillCorrupt: the spill files differ from what was written.
        """
        if isinstance(self._source, SpillFile):
            frame: pd.DataFrame = self._read(self._source, spill.read_frame)
            return frame
        return consumer_copy(self._frame, self._source.object_columns)

    def to_arrow(self) -> pa.Table:
        """Return the frame as an Arrow table in normal form.

        Raises:
            SpillCorrupt: as for ``to_pandas``.
        """
        if isinstance(self._source, SpillFile):
            return self._read(self._source, spill.read_arrow)
        return self.to_batches().read_all()

    def to_batches(self, rows: int = ROWS_PER_SLICE) -> pa.RecordBatchReader:
        """Return a reader of the frame in normal form, ``rows`` rows at a time.

        Raises:
            SpillCorrupt: as for ``to_pandas``.
        """
        if isinstance(self._source, SpillFile):
            return self._read(self._source, lambda spilled: spill.read_batches(spilled, rows))
        batches = (batch for batch, _ in self._source.slices(rows))
        return pa.RecordBatchReader.from_batches(self._source.schema, batches)

    def _read(self, spilled: SpillFile, read: Callable[[SpillFile], Any]) -> Any:
        step = self.input_ref.from_step
        event_fields = {"step_id": step, "path": layout.spill_path(step), "rows": spilled.rows}
        start = perf_counter()
        try:
            content = read(spilled)
        except SpillCorrupt as damage:
            self._emit("spill_read", event_fields | {"ok": False, "error": str(damage)})
            raise
        ms = round((perf_counter() - start) * 1000, 1)
        self._emit("spill_read", event_fields | {"ok": True, "bytes": spilled.bytes, "ms": ms})
        return content

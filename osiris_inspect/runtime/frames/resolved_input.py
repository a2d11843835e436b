"""An input that was found: its frame for pandas, for Arrow and for SQL, from wherever it lies."""

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
from osiris_inspect.runtime.frames import frame_copies as lending
from osiris_inspect.runtime.frames.conversion.arrow_types import ROWS_PER_SLICE
from osiris_inspect.runtime.frames.conversion.frame_plan import FramePlan
from osiris_inspect.runtime.frames.spill import schema_json as schema_file
from osiris_inspect.runtime.frames.spill import spill_file as spill
from osiris_inspect.runtime.frames.spill.spill_file import SpillFile

EmitEvent = Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class ResolvedInput:
    """An input, and the ways to it.

    Every way gives the same values. ``frame`` gives each consumer its own: what one writes, no other sees.

    Attributes:
        ref: what was asked for.
        place: where it was found.
        rows: of the frame.
        tried: where it was looked for, as an event tells it.
        schema_hash: the same for frames with the same columns.
    """

    input_ref: InputRef
    location: InputLocation
    rows: int
    attempts: tuple[Mapping[str, Any], ...]
    schema_hash: str
    _form: FramePlan | None = None
    _frame: pd.DataFrame | pa.Table | None = None
    _spilled: SpillFile | None = None
    _tell: EmitEvent | None = None

    @classmethod
    def in_memory(
        cls, input_ref: InputRef, frame: Any, form: FramePlan, attempts: tuple[Mapping[str, Any], ...]
    ) -> "ResolvedInput":
        """An input that is a frame in memory, and its normal form."""
        return cls(
            input_ref,
            "memory",
            form.rows or 0,
            attempts,
            schema_file.schema_hash(form),
            _form=form,
            _frame=frame,
        )

    @classmethod
    def on_disk(
        cls, input_ref: InputRef, spilled: SpillFile, attempts: tuple[Mapping[str, Any], ...], tell: EmitEvent
    ) -> "ResolvedInput":
        """An input that was spilled; ``tell`` hears when it is read."""
        hash_ = str(spilled.document["schema_hash"])
        return cls(input_ref, "spill", spilled.rows, attempts, hash_, _spilled=spilled, _tell=tell)

    @property
    def parquet_path(self) -> Path | None:
        """The file SQL can read instead of loading the frame; None for a frame in memory."""
        return self._spilled.parquet if self._spilled else None

    @property
    def dtypes(self) -> Mapping[str, str]:
        """The type of each column as its driver gave it, in words, by the name it has in the normal form."""
        if self._spilled is not None:
            dtypes: Mapping[str, str] = self._spilled.document["dtypes"]
            return dtypes
        assert self._form is not None  # noqa: S101 - in memory there is a form
        return {field["physical"]: field["dtype"] for field in self._form.fields}

    def to_pandas(self) -> pd.DataFrame:
        """The frame for pandas, the consumer's own.

        Raises:
            SpillCorrupt: it was spilled, and its files are no longer what was written.
        """
        if self._spilled is not None:
            frame: pd.DataFrame = self._read(spill.read_frame)
            return frame
        assert self._form is not None  # noqa: S101 - in memory there is a form
        return lending.consumer_copy(self._frame, self._form.object_columns)

    def to_arrow(self) -> pa.Table:
        """The frame in normal form.

        Raises:
            SpillCorrupt: as for ``frame``.
        """
        if self._spilled is not None:
            return self._read(spill.read_arrow)
        assert self._form is not None  # noqa: S101 - in memory there is a form
        return pa.Table.from_batches(
            list(spill.plan_batches(self._form, ROWS_PER_SLICE)), schema=self._form.schema
        )

    def to_batches(self, rows: int = ROWS_PER_SLICE) -> pa.RecordBatchReader:
        """The frame in normal form, ``rows`` at a time.

        Raises:
            SpillCorrupt: as for ``frame``.
        """
        if self._spilled is not None:
            return self._read(lambda spilled: spill.read_batches(spilled, rows))
        assert self._form is not None  # noqa: S101 - in memory there is a form
        return pa.RecordBatchReader.from_batches(self._form.schema, spill.plan_batches(self._form, rows))

    def _read(self, read: Callable[[SpillFile], Any]) -> Any:
        spilled, tell = self._spilled, self._tell
        assert spilled is not None  # noqa: S101 - only called for what was spilled
        assert tell is not None  # noqa: S101 - `on_disk` sets both
        told = {
            "step_id": self.input_ref.from_step,
            "path": layout.spill_path(self.input_ref.from_step),
            "rows": spilled.rows,
        }
        start = perf_counter()
        try:
            found = read(spilled)
        except SpillCorrupt as damage:
            tell("spill_read", told | {"ok": False, "error": str(damage)})
            raise
        ms = round((perf_counter() - start) * 1000, 1)
        tell("spill_read", told | {"ok": True, "bytes": spilled.bytes, "ms": ms})
        return found

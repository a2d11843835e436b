"""Frame store: keeps the result of each step in memory or on disk as Parquet.

A frame is spilled on request, above the row threshold, or when the frames in memory exceed the budget; then
the frame whose next use is farthest away goes first.
"""

import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pandas as pd
import pyarrow as pa

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import DriverError, InputNotFound, OsirisError, SpillCorrupt, SpillFailed
from osiris_inspect.model.manifest import InputRef
from osiris_inspect.model.run_types import FrameLocation
from osiris_inspect.runtime.files.hashed_file import Filesystem
from osiris_inspect.runtime.files.memory_limit import is_memory_error, memory_error
from osiris_inspect.runtime.frames import memory, stream
from osiris_inspect.runtime.frames.conversion import frame as frames
from osiris_inspect.runtime.frames.conversion.frame_plan import FramePlan, columns_of, original_names_of
from osiris_inspect.runtime.frames.counts.frame_counts import FrameCounts
from osiris_inspect.runtime.frames.driver_result import (
    FRAME_KEY,
    is_frame,
    memory_lookup,
    missing_frame_reason,
    result_types,
)
from osiris_inspect.runtime.frames.frame_copies import store_copy
from osiris_inspect.runtime.frames.policy import SpillPolicy, StoredFrame, StoreSize
from osiris_inspect.runtime.frames.resolved_input import ResolvedInput
from osiris_inspect.runtime.frames.spill import schema_json
from osiris_inspect.runtime.frames.spill import spill_file as spill
from osiris_inspect.runtime.frames.spill.fingerprint import FrameFingerprint
from osiris_inspect.runtime.frames.spill.spill_file import SpillFile
from osiris_inspect.runtime.frames.spill.spiller import Batching, EmitEvent, Spiller, discard_event

_TRIM_THRESHOLD = 1_000_000
"""Released bytes above which freed memory is returned to the system."""
_HEADROOM_FRACTION = 4
"""At most this fraction of the budget (a quarter) is kept free for the next frame."""
_OVER_BUDGET = "over the memory budget"
_STREAMED = "a stream too large for memory"


@dataclass(slots=True)
class _StepEntry:
    """Stored result of a step; its frame is in ``frame``, in ``spilled``, in both, or was released."""

    result: dict[str, Any]
    frame: pd.DataFrame | pa.Table | None = None
    plan: FramePlan | None = None
    memory_bytes: int = 0
    spilled: SpillFile | None = None
    released: bool = False
    remaining_uses: list[int] = field(default_factory=list)
    fingerprint: str = ""
    spilled_keys: dict[str, SpillFile] = field(default_factory=dict)


def _size_of(frame: pd.DataFrame | pa.Table, plan: FramePlan) -> int:
    if isinstance(frame, pa.Table):
        return memory.frame_bytes(frame)
    columns = zip(plan.planned_columns, plan.fields, strict=False)  # no field for the column that counts rows
    return memory.columns_bytes(
        frame.index, (column.values for column, field_ in columns if "index" not in field_)
    )


def stream_error(step: str, error: stream.StreamSourceError) -> DriverError:
    """Return the error of a stream's source, with the kind, the fix and the facts of its cause."""
    cause, message = error.cause, f"step {step!r}: {error}"
    if isinstance(cause, OsirisError):
        message = f"step {step!r}: the stream failed after {error.rows:,} rows: {cause.message}"
        return DriverError(message, kind=cause.kind, fix=cause.fix, **{"rows": error.rows, **cause.facts})
    if is_memory_error(cause):
        return memory_error(f"the stream of step {step!r}", cause, rows=error.rows)
    return DriverError(message, kind="driver-raised", fix="correct the driver", rows=error.rows)


__all__ = ["FrameStore", "ResolvedInput", "SpillPolicy", "StoreSize", "StoredFrame"]


class FrameStore:
    """Results of the steps of one run.

    ``next_uses`` holds the positions in the manifest at which each step's frame is used. ``on_event`` receives
    every move of a frame; the events of one ``batching`` context may be sent together. A failure leaves every
    frame where it was. One thread uses it; ``capture`` may be called by others meanwhile.
    """

    def __init__(
        self,
        root: Path,
        policy: SpillPolicy,
        on_event: EmitEvent = discard_event,
        *,
        next_uses: Mapping[str, Sequence[int]] | None = None,
        disk: Filesystem | None = None,
        batching: Batching = nullcontext,
    ) -> None:
        self._policy, self._emit = policy, on_event
        self._next_uses = {step: list(positions) for step, positions in (next_uses or {}).items()}
        self._spills = Spiller(root, disk or Filesystem(), on_event, batching)
        self._entries: dict[str, _StepEntry] = {}
        self._dropped = self._unsettled = self._largest = 0
        self._moving = threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release every frame in memory and sync the spill directories."""
        self._entries.clear()
        memory.release_free_memory()
        self._spills.close()

    def put(self, step: str, result: Mapping[str, Any] | None) -> StoredFrame:
        """Store a driver's result, and spill its frame if the policy requires it.

        If the disk refuses, the frame stays in memory and ``spill_failed`` is emitted. The caller must drop
        ``result`` before ``trim_memory``, or the frame stays in memory.

        Raises:
            DriverError: the source of a stream failed.
            SpillFailed: a stream too large for memory could not be written to disk.
        """
        content = dict(result) if isinstance(result, Mapping) else {}
        keys, missing = result_types(result), missing_frame_reason(result)
        del result  # a spilled frame must have no other reference
        frame = content.pop(FRAME_KEY) if not missing else None
        entry = self._entries[step] = _StepEntry(content, remaining_uses=list(self._next_uses.get(step, ())))
        # no process may read the spill of an earlier attempt as this result
        self._spills.remove(step)
        if frame is None:
            return StoredFrame(reason=missing, keys=keys)
        if isinstance(frame, pa.RecordBatchReader):
            plan, reason = self._store_stream(step, entry, frame)
        else:
            plan, reason = self._store_frame(step, entry, frame)
        del frame
        stored = self._describe(step, entry, plan, reason, keys)
        del plan
        self.trim_memory()
        return stored

    def _store_frame(
        self, step: str, entry: _StepEntry, frame: pd.DataFrame | pa.Table
    ) -> tuple[FramePlan, str]:
        """Store a frame; return its plan and the reason for its location."""
        reason = self._spill_reason(len(frame))
        # no driver code runs before the spill, so it needs no copy
        entry.frame = frame if reason else store_copy(frame)
        plan = entry.plan = frames.plan_frame(entry.frame)
        entry.memory_bytes = _size_of(frame, plan)
        self._largest = max(self._largest, entry.memory_bytes)
        if reason and not self._spill(step, entry, reason):
            entry.frame = store_copy(frame)
            plan = entry.plan = frames.plan_frame(entry.frame)
        self._enforce_budget()
        if entry.frame is not None:
            return plan, f"{reason}, but it could not be spilled" if reason else "fits in memory"
        return plan, reason or _OVER_BUDGET

    def _store_stream(
        self, step: str, entry: _StepEntry, reader: pa.RecordBatchReader
    ) -> tuple[FramePlan, str]:
        """Keep a stream as a table while it fits into memory; otherwise spill it as it arrives."""
        batches = stream.BatchStream(reader.schema, stream.wrap_errors(reader))
        try:
            if not batches.read_until(self._is_too_much):
                return self._store_frame(step, entry, batches.table())
            plan = frames.plan_stream(batches.schema, batches.slices())
            size = sum(batch.nbytes for batch in batches.buffered)
            if not self._spills.has_room(size):
                return self._store_frame(step, entry, batches.table())
            entry.spilled = self._spills.write(step, plan, size, _STREAMED)
        except stream.StreamSourceError as error:
            del self._entries[step]
            raise stream_error(step, error) from error.cause
        except SpillFailed as error:
            del self._entries[step]
            raise SpillFailed(
                f"cannot spill step {step!r}: its stream is too large for memory and writing it failed: {error.message}",
                kind=error.kind,
                fix=error.fix,
                **error.facts,
            ) from error
        self._dropped += size
        return plan, _STREAMED

    def _is_too_much(self, rows: int, size: int) -> bool:
        budget, most = self._policy.budget_bytes, self._policy.stream_bytes
        return (
            bool(self._spill_reason(rows))
            or (budget is not None and size > budget - self.total_size().memory_bytes)
            or (most is not None and size > most)
        )

    def _describe(
        self, step: str, entry: _StepEntry, plan: FramePlan, reason: str, keys: Mapping[str, str]
    ) -> StoredFrame:
        spilled = entry.spilled
        names = columns_of(plan.fields)
        counts = (spilled.counts if spilled else None) or FrameCounts(names, plan.rows)
        if spilled is not None:
            document = spilled.document
            fingerprint = FrameFingerprint(document["fingerprint"], document["column_fingerprints"])
        else:
            fingerprint = spill.frame_fingerprint(plan, counts)
        entry.fingerprint = fingerprint.frame
        return StoredFrame(
            rows=spilled.rows if spilled else plan.rows,
            columns=tuple(names),
            dtypes=tuple(field_["dtype"] for field_ in plan.fields),
            original_names=original_names_of(plan.fields),
            index_columns=tuple(field_["physical"] for field_ in plan.fields if "index" in field_),
            index_left_out=plan.index_left_out,
            nulls=counts.nulls,
            distinct=counts.distinct,
            min=counts.low,
            max=counts.high,
            negatives=counts.negatives,
            sentinels=counts.sentinels,
            gaps=counts.gaps,
            blank_columns=counts.blank_columns,
            odd_values=counts.odd_values,
            repeated=counts.repeated,
            unique=counts.unique,
            first_keys=counts.first_keys,
            garbled=counts.garbled,
            value_counts=counts.value_counts,
            storage=self.location(step),
            reason=reason,
            memory_bytes=entry.memory_bytes,
            spill_bytes=spilled.bytes if spilled else 0,
            parquet=layout.spill_path(step) if spilled else None,
            schema=layout.schema_path(step) if spilled else None,
            fingerprint=fingerprint.frame,
            column_fingerprints=fingerprint.columns,
            schema_hash=schema_json.schema_hash(plan),
            keys=keys,
        )

    def trim_memory(self) -> None:
        """Return the memory of released frames to the system; cheap if no frame was released.

        The worker calls it again after it has dropped the driver's result.
        """
        if max(self._dropped, self._unsettled) >= _TRIM_THRESHOLD:
            memory.release_free_memory()
        self._unsettled, self._dropped = self._dropped, 0

    def _spill_reason(self, rows: int) -> str:
        if self._policy.force_spill:
            return "every frame is spilled"
        if rows > self._policy.threshold:
            return f"{rows:,} rows, more than {self._policy.threshold:,}"
        return ""

    def _spill(self, step: str, entry: _StepEntry, reason: str, *, drop: bool = True) -> bool:
        """Spill a step's frame and, with ``drop``, release it from memory; return True if it is on disk."""
        with self._moving:
            return self._move(step, entry, reason, drop=drop)

    def _move(self, step: str, entry: _StepEntry, reason: str, *, drop: bool) -> bool:
        was_on_disk = self._is_on_disk(step, entry)
        if not was_on_disk and entry.plan is not None:
            with suppress(SpillFailed):  # the event says why
                entry.spilled = self._spills.write(
                    step, entry.plan, entry.memory_bytes, reason, in_memory=not drop
                )
        if entry.spilled is None:
            return False
        if drop:
            freed = self._drop(entry)
            if was_on_disk:
                self._emit(
                    "frame_released",
                    {"step_id": step, "bytes": freed, "reason": f"{reason}; already on disk"},
                )
        return True

    def _is_on_disk(self, step: str, entry: _StepEntry) -> bool:
        """Return True if the frame can be read from disk; forgets a damaged spill of a frame in memory."""
        if entry.spilled is None or entry.frame is None:
            return entry.spilled is not None
        try:
            spill.verify(entry.spilled)
        except SpillCorrupt as damage:
            entry.spilled = None
            self._emit_damage(step, damage)
        return entry.spilled is not None

    def _drop(self, entry: _StepEntry) -> int:
        """Release a frame from memory; return its bytes."""
        freed, entry.memory_bytes = entry.memory_bytes, 0
        entry.frame = entry.plan = None
        self._dropped += freed
        return freed

    def _enforce_budget(self) -> None:
        """Spill frames until the rest fits into the budget or the disk refuses; farthest next use first.

        Keeps room for a frame as large as the largest so far, but at most a quarter of the budget.
        """
        budget = self._policy.budget_bytes
        if budget is None:
            return
        allowed = budget - min(self._largest, budget // _HEADROOM_FRACTION)
        refused: set[str] = set()
        while self.total_size().memory_bytes > allowed:
            candidates = [
                (min(entry.remaining_uses, default=sys.maxsize), step)
                for step, entry in self._entries.items()
                if entry.frame is not None and step not in refused
            ]
            if not candidates:
                return
            _, step = max(candidates)
            if not self._spill(step, self._entries[step], _OVER_BUDGET):
                refused.add(step)

    def resolve(self, step: str, name: str, ref: InputRef) -> ResolvedInput:
        """Return the input ``name`` of ``step``, from memory or else from disk.

        Raises:
            InputNotFound: in neither; its ``tried`` holds the outcome for each.
        """
        entry = self._entries.get(ref.from_step)
        tried = [memory_lookup(entry, ref)]
        if entry is not None and tried[0]["outcome"] == "found":
            if ref.key == FRAME_KEY and entry.plan is not None:
                return ResolvedInput.in_memory(ref, entry.frame, entry.plan, tuple(tried), entry.fingerprint)
            value = entry.result[ref.key]
            plan = frames.plan_frame(value)
            fingerprint = spill.frame_fingerprint(plan).frame
            return ResolvedInput.in_memory(ref, value, plan, tuple(tried), fingerprint)
        spilled, attempt, cause = self._find_spill(entry, ref)
        tried.append(attempt)
        if spilled is not None:
            return ResolvedInput.on_disk(ref, spilled, tuple(tried), self._emit)
        raise InputNotFound(
            step=step, name=name, upstream=ref.from_step, tried=tried, present=self.held_steps()
        ) from cause

    def _find_spill(
        self, entry: _StepEntry | None, ref: InputRef
    ) -> tuple[SpillFile | None, dict[str, Any], SpillCorrupt | None]:
        step, schema = ref.from_step, layout.schema_path(ref.from_step, ref.key)
        path = layout.spill_path(step, ref.key)
        attempt: dict[str, Any] = {"place": "spill", "outcome": "found", "reason": path}
        try:
            # once the step has stored a result, a spill of an earlier attempt is another frame
            if entry is not None:
                spilled = entry.spilled if ref.key == FRAME_KEY else entry.spilled_keys.get(ref.key)
            else:
                spilled = self._spills.find(step, ref.key)
            if spilled is None:
                return None, attempt | {"outcome": "absent", "reason": f"no {schema}"}, None
            spill.verify(spilled)
        except SpillCorrupt as damage:
            self._emit_damage(step, damage)
            return None, attempt | {"outcome": "damaged", "reason": str(damage)}, damage
        return spilled, attempt, None

    def _emit_damage(self, step: str, damage: SpillCorrupt) -> None:
        event_fields = {"step_id": step, "path": layout.spill_path(step), "ok": False, "error": str(damage)}
        self._emit("spill_read", event_fields)

    def capture(self, ref: InputRef, reason: str) -> SpillFile | None:
        """Return the frame of an input on disk, and write it unless it is there; None if there is no such frame.

        The frame stays in memory for its consumers. Any thread may call it.

        Raises:
            SpillFailed: the disk refused.
            SpillCorrupt: the frame is only on disk, and its files were changed.
        """
        with self._moving:
            return self._capture(ref, reason)

    def _capture(self, ref: InputRef, reason: str) -> SpillFile | None:
        entry = self._entries.get(ref.from_step)
        if entry is not None and ref.key != FRAME_KEY and is_frame(entry.result.get(ref.key)):
            return self._capture_under_key(entry, ref)
        if entry is not None and ref.key != FRAME_KEY:
            return None
        if entry is not None and entry.plan is not None:
            if not self._is_on_disk(ref.from_step, entry):
                size = entry.memory_bytes
                entry.spilled = self._spills.write(ref.from_step, entry.plan, size, reason, in_memory=True)
            return entry.spilled
        spilled = entry.spilled if entry is not None else self._spills.find(ref.from_step, ref.key)
        if spilled is not None:
            spill.verify(spilled)
        return spilled

    def _capture_under_key(self, entry: _StepEntry, ref: InputRef) -> SpillFile:
        spilled = entry.spilled_keys.get(ref.key)
        if spilled is None:
            value = entry.result[ref.key]
            plan = frames.plan_frame(value)
            spilled = self._spills.write_under_key(ref.from_step, ref.key, plan, _size_of(value, plan))
            entry.spilled_keys[ref.key] = spilled
        return spilled

    def spill_for_other_worker(self, step: str) -> SpillFile | None:
        """Write a frame to disk and keep it in memory; return None if the step has none, or the disk refuses.

        If consumed frames are released, it is not kept: this store does not learn when another worker consumes it.
        """
        entry, drop = self._entries.get(step), self._policy.release_consumed
        if entry is None or not self._spill(step, entry, "a step on another worker takes it", drop=drop):
            return None
        self.trim_memory()
        return entry.spilled

    def mark_consumed(self, step: str, position: int) -> None:
        """Record that the consumer at ``position`` of the manifest no longer needs the frame of ``step``."""
        entry = self._entries.get(step)
        if entry is None or position not in entry.remaining_uses:
            return
        entry.remaining_uses.remove(position)
        if not entry.remaining_uses and self._policy.release_consumed and entry.frame is not None:
            with self._moving:
                freed = self._drop(entry)
            entry.released = True
            self.trim_memory()
            self._emit(
                "frame_released",
                {"step_id": step, "bytes": freed, "reason": "its last consumer has finished"},
            )

    def total_size(self) -> StoreSize:
        """Return the bytes in memory and on disk."""
        entries = self._entries.values()
        return StoreSize(
            sum(entry.memory_bytes for entry in entries),
            sum(entry.spilled.bytes for entry in entries if entry.spilled),
        )

    def location(self, step: str) -> FrameLocation:
        """Return where the frame of a step is looked up first."""
        entry = self._entries.get(step)
        if entry is None:
            return "none"
        if entry.frame is not None:
            return "memory"
        return "spill" if entry.spilled else "none"

    def held_steps(self) -> tuple[str, ...]:
        """Return the steps whose frame is in memory or on disk."""
        return tuple(step for step in self._entries if self.location(step) != "none")

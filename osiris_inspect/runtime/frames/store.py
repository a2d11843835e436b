"""The frames of a run: in memory, then on disk as Parquet; never in neither place.

A driver's whole result is kept. Its frame goes to disk when asked, when it has more rows than the threshold, or when the
frames in memory weigh more than the budget: then the one whose next use is farthest away.
"""

import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pandas as pd
import pyarrow as pa

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import DriverError, InputNotFound, SpillCorrupt, SpillFailed
from osiris_inspect.model.manifest import InputRef
from osiris_inspect.model.run_types import FrameLocation
from osiris_inspect.runtime.files.hashed_file import Filesystem
from osiris_inspect.runtime.frames import driver_result as results
from osiris_inspect.runtime.frames import frame_copies as lending
from osiris_inspect.runtime.frames import memory
from osiris_inspect.runtime.frames import stream as streams
from osiris_inspect.runtime.frames.conversion import frame as frames
from osiris_inspect.runtime.frames.conversion.frame_plan import FramePlan
from osiris_inspect.runtime.frames.policy import SpillPolicy, StoredFrame, StoreSize
from osiris_inspect.runtime.frames.resolved_input import ResolvedInput
from osiris_inspect.runtime.frames.spill import schema_json as schema_file
from osiris_inspect.runtime.frames.spill import spill_file as spill
from osiris_inspect.runtime.frames.spill.spill_file import SpillFile
from osiris_inspect.runtime.frames.spill.spiller import Batching, EmitEvent, Spiller

FRAME = "df"
"""The key of a result under which a driver returns its frame."""
_NEVER = sys.maxsize
_TRIM_THRESHOLD = 1_000_000
"""Bytes that left memory from which on it pays to tell the system."""
_HEADROOM_FRACTION = 4
"""The part of the budget (a quarter) that is kept free at most for the frame that is being made."""
_OVER_BUDGET = "over the budget for memory"
_STREAMED = "a stream of more than memory may hold"


@dataclass(slots=True)
class _StepEntry:
    """What is kept for one step. A frame is in ``frame``, in ``spilled``, in both, or was released."""

    result: dict[str, Any]
    frame: pd.DataFrame | pa.Table | None = None
    form: FramePlan | None = None
    memory_bytes: int = 0
    spilled: SpillFile | None = None
    released: bool = False
    remaining_uses: list[int] = field(default_factory=list)

    @property
    def next_use(self) -> int:
        return min(self.remaining_uses, default=_NEVER)


def _size_of(frame: pd.DataFrame | pa.Table, form: FramePlan) -> int:
    if isinstance(frame, pa.Table):
        return memory.frame_bytes(frame)
    return memory.columns_bytes(frame.index, (part.values for part in form.planned_columns if form.fields))


def _tell_nobody(_event: str, _fields: dict[str, Any]) -> None:
    return None


__all__ = ["FrameStore", "ResolvedInput", "SpillPolicy", "StoreSize", "StoredFrame"]


class FrameStore:
    """Keeps what each step returned, as long as the run lasts.

    ``next_uses`` names the places in the manifest where a step's frame is wanted. ``tell`` hears of every move; what it
    hears within ``together`` may be passed on at once. After any failure a frame is where it was before.
    """

    def __init__(
        self,
        root: Path,
        policy: SpillPolicy,
        on_event: EmitEvent = _tell_nobody,
        *,
        next_uses: Mapping[str, Sequence[int]] | None = None,
        disk: Filesystem | None = None,
        batching: Batching = nullcontext,
    ) -> None:
        self._policy, self._tell = policy, on_event
        self._next_uses = {step: list(places) for step, places in (next_uses or {}).items()}
        self._spills = Spiller(root, disk or Filesystem(), on_event, batching)
        self._entries: dict[str, _StepEntry] = {}
        self._dropped = self._unsettled = self._largest = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of every frame in memory; what is on disk stays, and from then on survives a power cut."""
        self._entries.clear()
        memory.release_free_memory()
        self._spills.close()

    def put(self, step: str, result: Mapping[str, Any] | None) -> StoredFrame:
        """Keeps the whole of what a driver returned, and spills its frame where the policy wants it.

        If the disk refuses, the frame stays in memory, and ``spill_failed`` is told. Who calls lets go of ``result``
        before ``settle``: a frame that somebody still holds does not leave memory.

        Raises:
            DriverError: a frame that came as a stream broke off.
            SpillFailed: a stream of more than memory may hold could not be written to its end.
        """
        kept = dict(result) if isinstance(result, Mapping) else {}
        keys, why = results.result_types(result), results.missing_frame_reason(result)
        del result  # what is spilled below must be nobody's
        frame = kept.pop(FRAME) if not why else None
        entry = self._entries[step] = _StepEntry(kept, remaining_uses=list(self._next_uses.get(step, ())))
        # an earlier try of the step must not be taken for this one, in no other process either
        self._spills.remove(step)
        if frame is None:
            return StoredFrame.no_frame(why, keys)
        if isinstance(frame, pa.RecordBatchReader):
            form, reason = self._store_stream(step, entry, frame)
        else:
            form, reason = self._store_frame(step, entry, frame)
        del frame
        kept_as = self._describe(step, entry, form, reason, keys)
        del form
        self.trim_memory()
        return kept_as

    def _store_frame(
        self, step: str, entry: _StepEntry, frame: pd.DataFrame | pa.Table
    ) -> tuple[FramePlan, str]:
        """Keeps a frame where the policy wants it; gives its form, and why it lies where it lies."""
        reason = self._spill_reason(len(frame))
        # what goes to disk at once is nobody's to write to before it is there
        entry.frame = frame if reason else lending.store_copy(frame)
        form = entry.form = frames.plan_frame(entry.frame)
        entry.memory_bytes = _size_of(frame, form)
        self._largest = max(self._largest, entry.memory_bytes)
        if reason and not self._spill(step, entry, reason):
            entry.frame = lending.store_copy(frame)
            form = entry.form = frames.plan_frame(entry.frame)
        self._enforce_budget()
        if entry.frame is not None:
            return form, f"{reason}, but the disk refused" if reason else "fits in memory"
        return form, reason or _OVER_BUDGET

    def _store_stream(
        self, step: str, entry: _StepEntry, reader: pa.RecordBatchReader
    ) -> tuple[FramePlan, str]:
        """Keeps a stream as a table while it fits; else it goes to disk as it comes."""
        stream = streams.open_stream(reader)
        try:
            if not stream.read_until(self._is_too_much):
                return self._store_frame(step, entry, stream.table())
            form = frames.plan_stream(stream.schema, stream.slices())
            size = sum(batch.nbytes for batch in stream.buffered)
            if not self._spills.has_room(size):
                return self._store_frame(step, entry, stream.table())
            entry.spilled = self._spills.write(step, form, size, _STREAMED)
        except streams.StreamSourceError as broken:
            del self._entries[step]
            raise DriverError(f"step {step!r}: {broken}") from broken.cause
        if entry.spilled is None:
            del self._entries[step]
            raise SpillFailed(
                f"step {step!r}: its stream of more than memory may hold could not be written to its end"
            )
        self._dropped += size
        return form, _STREAMED

    def _is_too_much(self, rows: int, size: int) -> bool:
        budget = self._policy.budget_bytes
        return bool(self._spill_reason(rows)) or (
            budget is not None and size > budget - self.total_size().memory_bytes
        )

    def _describe(
        self, step: str, entry: _StepEntry, form: FramePlan, reason: str, keys: Mapping[str, str]
    ) -> StoredFrame:
        spilled = entry.spilled
        return StoredFrame(
            rows=spilled.rows if spilled else form.rows,
            columns=tuple(field_["physical"] for field_ in form.fields),
            dtypes=tuple(field_["dtype"] for field_ in form.fields),
            storage=self.location(step),
            reason=reason,
            memory_bytes=entry.memory_bytes,
            spill_bytes=spilled.bytes if spilled else 0,
            parquet=layout.spill_path(step) if spilled else None,
            schema=layout.schema_path(step) if spilled else None,
            fingerprint=spilled.document["fingerprint"] if spilled else spill.frame_fingerprint(form),
            schema_hash=schema_file.schema_hash(form),
            keys=keys,
        )

    def trim_memory(self) -> None:
        """Gives the memory of frames that have left it back to the system.

        Cheap where nothing has left. Called by the store itself, and again by who held a driver's result for longer.
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
        """Whether the frame of a step is on disk now; with ``drop`` it is no longer in memory then."""
        was_on_disk = self._is_on_disk(step, entry)
        if not was_on_disk and entry.form is not None:
            entry.spilled = self._spills.write(
                step, entry.form, entry.memory_bytes, reason, in_memory=not drop
            )
        if entry.spilled is None:
            return False
        if drop:
            freed = self._drop(entry)
            if was_on_disk:
                self._tell(
                    "frame_released",
                    {"step_id": step, "bytes": freed, "reason": f"{reason}; on disk already"},
                )
        return True

    def _is_on_disk(self, step: str, entry: _StepEntry) -> bool:
        """Whether the frame can be got from disk. One that was damaged there while it is in memory is spilled anew."""
        if entry.spilled is None or entry.frame is None:
            return entry.spilled is not None
        try:
            spill.verify(entry.spilled)
        except SpillCorrupt as damage:
            entry.spilled = None
            told = {"step_id": step, "path": layout.spill_path(step), "ok": False, "error": str(damage)}
            self._tell("spill_read", told)
        return entry.spilled is not None

    def _drop(self, entry: _StepEntry) -> int:
        """Lets go of a frame in memory; gives the bytes it had."""
        freed, entry.memory_bytes = entry.memory_bytes, 0
        entry.frame = entry.form = None
        self._dropped += freed
        return freed

    def _enforce_budget(self) -> None:
        """Spills the frames whose next use is farthest away until the rest fits; a disk that refuses ends it.

        The budget is for all frames, and that of the next step is made before it is put: room is kept for one as large as the
        largest so far, but no more than a quarter of the budget, since it may be the only one of its size.
        """
        budget = self._policy.budget_bytes
        if budget is None:
            return
        allowed = budget - min(self._largest, budget // _HEADROOM_FRACTION)
        refused: set[str] = set()
        while self.total_size().memory_bytes > allowed:
            candidates = [
                (entry.next_use, step)
                for step, entry in self._entries.items()
                if entry.frame is not None and step not in refused
            ]
            if not candidates:
                return
            _, step = max(candidates)
            if not self._spill(step, self._entries[step], _OVER_BUDGET):
                refused.add(step)

    def resolve(self, step: str, name: str, ref: InputRef) -> ResolvedInput:
        """The input ``name`` of ``step``: from memory, else from spill.

        Raises:
            InputNotFound: in neither; ``tried`` says what was found in each.
        """
        entry = self._entries.get(ref.from_step)
        tried = [results.memory_lookup(entry, ref, FRAME)]
        if entry is not None and tried[0]["outcome"] == "found":
            if ref.key == FRAME and entry.form is not None:
                return ResolvedInput.in_memory(ref, entry.frame, entry.form, tuple(tried))
            value = entry.result[ref.key]
            return ResolvedInput.in_memory(ref, value, frames.plan_frame(value), tuple(tried))
        if ref.key == FRAME:
            found, said, cause = self._find_spill(entry, ref.from_step)
            tried.append(said)
            if found is not None:
                return ResolvedInput.on_disk(ref, found, tuple(tried), self._tell)
        else:
            cause = None
            tried.append({"place": "spill", "outcome": "absent", "reason": f"only {FRAME!r} is ever spilled"})
        raise InputNotFound(
            step=step, name=name, upstream=ref.from_step, tried=tried, present=self.held_steps()
        ) from cause

    def _find_spill(
        self, entry: _StepEntry | None, step: str
    ) -> tuple[SpillFile | None, dict[str, Any], SpillCorrupt | None]:
        path = layout.spill_path(step)
        try:
            # a step that put something here may have an older spill of an earlier try: that is another frame
            spilled = entry.spilled if entry else self._spills.find(step)
            if spilled is None:
                return (
                    None,
                    {"place": "spill", "outcome": "absent", "reason": f"no {layout.schema_path(step)}"},
                    None,
                )
            spill.verify(spilled)
        except SpillCorrupt as damage:
            self._tell("spill_read", {"step_id": step, "path": path, "ok": False, "error": str(damage)})
            return None, {"place": "spill", "outcome": "damaged", "reason": str(damage)}, damage
        return spilled, {"place": "spill", "outcome": "found", "reason": path}, None

    def spill_inputs_of_failed_step(self, step: str, inputs: Mapping[str, ResolvedInput]) -> tuple[str, ...]:
        """Spills the inputs of a failed step that are only in memory, so that it can be replayed.

        Gives the paths of all its inputs that are on disk then. They stay in memory too: others may want them.
        """
        paths = []
        for resolved in inputs.values():
            entry = self._entries.get(resolved.input_ref.from_step)
            reason = f"input of {step!r}, which failed"
            if resolved.location == "spill" or (
                entry is not None
                and resolved.input_ref.key == FRAME
                and self._spill(resolved.input_ref.from_step, entry, reason, drop=False)
            ):
                paths.append(layout.spill_path(resolved.input_ref.from_step))
        return tuple(dict.fromkeys(paths))

    def mark_consumed(self, step: str, position: int) -> None:
        """The consumer at ``position`` of the manifest is done with the frame of ``step``."""
        entry = self._entries.get(step)
        if entry is None or position not in entry.remaining_uses:
            return
        entry.remaining_uses.remove(position)
        if not entry.remaining_uses and self._policy.release_consumed and entry.frame is not None:
            freed = self._drop(entry)
            entry.released = True
            self.trim_memory()
            self._tell(
                "frame_released", {"step_id": step, "bytes": freed, "reason": "its last consumer is done"}
            )

    def total_size(self) -> StoreSize:
        """Bytes in memory and on disk."""
        entries = self._entries.values()
        return StoreSize(
            sum(entry.memory_bytes for entry in entries),
            sum(entry.spilled.bytes for entry in entries if entry.spilled),
        )

    def location(self, step: str) -> FrameLocation:
        """Where the frame of a step is looked for first."""
        entry = self._entries.get(step)
        if entry is None:
            return "none"
        if entry.frame is not None:
            return "memory"
        return "spill" if entry.spilled else "none"

    def held_steps(self) -> tuple[str, ...]:
        """The steps whose frame is in memory or on disk."""
        return tuple(step for step in self._entries if self.location(step) != "none")

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
from osiris_inspect.model.errors import DriverError, InputNotFound, SpillDamaged, SpillFailed
from osiris_inspect.model.manifest import InputRef
from osiris_inspect.runtime.files.hashed_file import Disk
from osiris_inspect.runtime.frames import driver_result as results
from osiris_inspect.runtime.frames import frame_copies as lending
from osiris_inspect.runtime.frames import memory
from osiris_inspect.runtime.frames import stream as streams
from osiris_inspect.runtime.frames.conversion import frame as frames
from osiris_inspect.runtime.frames.conversion.frame_plan import Form
from osiris_inspect.runtime.frames.policy import Kept, Place, Policy, Sizes
from osiris_inspect.runtime.frames.resolved_input import Resolved
from osiris_inspect.runtime.frames.spill import schema_json as schema_file
from osiris_inspect.runtime.frames.spill import spill_file as spill
from osiris_inspect.runtime.frames.spill.spill_file import Spilled
from osiris_inspect.runtime.frames.spill.spiller import Spills, Tell, Together

FRAME = "df"
"""The key of a result under which a driver returns its frame."""
_NEVER = sys.maxsize
_WORTH_GIVING_BACK = 1_000_000
"""Bytes that left memory from which on it pays to tell the system."""
_MOST_KEPT_FREE = 4
"""The part of the budget (a quarter) that is kept free at most for the frame that is being made."""
_OVER_BUDGET = "over the budget for memory"
_STREAMED = "a stream of more than memory may hold"


@dataclass(slots=True)
class _Entry:
    """What is kept for one step. A frame is in ``frame``, in ``spilled``, in both, or was released."""

    result: dict[str, Any]
    frame: pd.DataFrame | pa.Table | None = None
    form: Form | None = None
    memory_bytes: int = 0
    spilled: Spilled | None = None
    released: bool = False
    uses: list[int] = field(default_factory=list)

    @property
    def next_use(self) -> int:
        return min(self.uses, default=_NEVER)


def _size_of(frame: pd.DataFrame | pa.Table, form: Form) -> int:
    if isinstance(frame, pa.Table):
        return memory.size_of(frame)
    return memory.size_of_columns(frame.index, (part.values for part in form.parts if form.fields))


def _tell_nobody(_event: str, _fields: dict[str, Any]) -> None:
    return None


__all__ = ["FrameStore", "Kept", "Policy", "Resolved", "Sizes"]


class FrameStore:
    """Keeps what each step returned, as long as the run lasts.

    ``next_uses`` names the places in the manifest where a step's frame is wanted. ``tell`` hears of every move; what it
    hears within ``together`` may be passed on at once. After any failure a frame is where it was before.
    """

    def __init__(
        self,
        root: Path,
        policy: Policy,
        tell: Tell = _tell_nobody,
        *,
        next_uses: Mapping[str, Sequence[int]] | None = None,
        disk: Disk | None = None,
        together: Together = nullcontext,
    ) -> None:
        self._policy, self._tell = policy, tell
        self._next_uses = {step: list(places) for step, places in (next_uses or {}).items()}
        self._spills = Spills(root, disk or Disk(), tell, together)
        self._entries: dict[str, _Entry] = {}
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
        memory.give_back()
        self._spills.close()

    def put(self, step: str, result: Mapping[str, Any] | None) -> Kept:
        """Keeps the whole of what a driver returned, and spills its frame where the policy wants it.

        If the disk refuses, the frame stays in memory, and ``spill_failed`` is told. Who calls lets go of ``result``
        before ``settle``: a frame that somebody still holds does not leave memory.

        Raises:
            DriverError: a frame that came as a stream broke off.
            SpillFailed: a stream of more than memory may hold could not be written to its end.
        """
        kept = dict(result) if isinstance(result, Mapping) else {}
        keys, why = results.kinds(result), results.why_no_frame(result)
        del result  # what is spilled below must be nobody's
        frame = kept.pop(FRAME) if not why else None
        entry = self._entries[step] = _Entry(kept, uses=list(self._next_uses.get(step, ())))
        # an earlier try of the step must not be taken for this one, in no other process either
        self._spills.forget(step)
        if frame is None:
            return Kept.without_frame(why, keys)
        if isinstance(frame, pa.RecordBatchReader):
            form, reason = self._take_stream(step, entry, frame)
        else:
            form, reason = self._take(step, entry, frame)
        del frame
        kept_as = self._describe(step, entry, form, reason, keys)
        del form
        self.settle()
        return kept_as

    def _take(self, step: str, entry: _Entry, frame: pd.DataFrame | pa.Table) -> tuple[Form, str]:
        """Keeps a frame where the policy wants it; gives its form, and why it lies where it lies."""
        reason = self._why_spill(len(frame))
        # what goes to disk at once is nobody's to write to before it is there
        entry.frame = frame if reason else lending.own(frame)
        form = entry.form = frames.plan_any(entry.frame)
        entry.memory_bytes = _size_of(frame, form)
        self._largest = max(self._largest, entry.memory_bytes)
        if reason and not self._spill(step, entry, reason):
            entry.frame = lending.own(frame)
            form = entry.form = frames.plan_any(entry.frame)
        self._keep_budget()
        if entry.frame is not None:
            return form, f"{reason}, but the disk refused" if reason else "fits in memory"
        return form, reason or _OVER_BUDGET

    def _take_stream(self, step: str, entry: _Entry, reader: pa.RecordBatchReader) -> tuple[Form, str]:
        """Keeps a stream as a table while it fits; else it goes to disk as it comes."""
        stream = streams.opened(reader)
        try:
            if not stream.take(self._is_too_much):
                return self._take(step, entry, stream.table())
            form = frames.plan_stream(stream.schema, stream.slices())
            size = sum(batch.nbytes for batch in stream.taken)
            if not self._spills.has_room(size):
                return self._take(step, entry, stream.table())
            entry.spilled = self._spills.write(step, form, size, _STREAMED)
        except streams.SourceFailed as broken:
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
        return bool(self._why_spill(rows)) or (
            budget is not None and size > budget - self.sizes().memory_bytes
        )

    def _describe(self, step: str, entry: _Entry, form: Form, reason: str, keys: Mapping[str, str]) -> Kept:
        spilled = entry.spilled
        return Kept(
            rows=spilled.rows if spilled else form.rows,
            columns=tuple(field_["physical"] for field_ in form.fields),
            dtypes=tuple(field_["dtype"] for field_ in form.fields),
            storage=self.where(step),
            reason=reason,
            memory_bytes=entry.memory_bytes,
            spill_bytes=spilled.bytes if spilled else 0,
            parquet=layout.parquet(step) if spilled else None,
            schema=layout.schema(step) if spilled else None,
            fingerprint=spilled.document["fingerprint"] if spilled else spill.fingerprint_of(form),
            schema_hash=schema_file.schema_hash(form),
            keys=keys,
        )

    def settle(self) -> None:
        """Gives the memory of frames that have left it back to the system.

        Cheap where nothing has left. Called by the store itself, and again by who held a driver's result for longer.
        """
        if max(self._dropped, self._unsettled) >= _WORTH_GIVING_BACK:
            memory.give_back()
        self._unsettled, self._dropped = self._dropped, 0

    def _why_spill(self, rows: int) -> str:
        if self._policy.force_spill:
            return "every frame is spilled"
        if rows > self._policy.threshold:
            return f"{rows:,} rows, more than {self._policy.threshold:,}"
        return ""

    def _spill(self, step: str, entry: _Entry, reason: str, *, drop: bool = True) -> bool:
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

    def _is_on_disk(self, step: str, entry: _Entry) -> bool:
        """Whether the frame can be got from disk. One that was damaged there while it is in memory is spilled anew."""
        if entry.spilled is None or entry.frame is None:
            return entry.spilled is not None
        try:
            spill.check(entry.spilled)
        except SpillDamaged as damage:
            entry.spilled = None
            told = {"step_id": step, "path": layout.parquet(step), "ok": False, "error": str(damage)}
            self._tell("spill_read", told)
        return entry.spilled is not None

    def _drop(self, entry: _Entry) -> int:
        """Lets go of a frame in memory; gives the bytes it had."""
        freed, entry.memory_bytes = entry.memory_bytes, 0
        entry.frame = entry.form = None
        self._dropped += freed
        return freed

    def _keep_budget(self) -> None:
        """Spills the frames whose next use is farthest away until the rest fits; a disk that refuses ends it.

        The budget is for all frames, and that of the next step is made before it is put: room is kept for one as large as the
        largest so far, but no more than a quarter of the budget, since it may be the only one of its size.
        """
        budget = self._policy.budget_bytes
        if budget is None:
            return
        allowed = budget - min(self._largest, budget // _MOST_KEPT_FREE)
        refused: set[str] = set()
        while self.sizes().memory_bytes > allowed:
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

    def resolve(self, step: str, name: str, ref: InputRef) -> Resolved:
        """The input ``name`` of ``step``: from memory, else from spill.

        Raises:
            InputNotFound: in neither; ``tried`` says what was found in each.
        """
        entry = self._entries.get(ref.from_step)
        tried = [results.look_in_memory(entry, ref, FRAME)]
        if entry is not None and tried[0]["outcome"] == "found":
            if ref.key == FRAME and entry.form is not None:
                return Resolved.in_memory(ref, entry.frame, entry.form, tuple(tried))
            value = entry.result[ref.key]
            return Resolved.in_memory(ref, value, frames.plan_any(value), tuple(tried))
        if ref.key == FRAME:
            found, said, cause = self._look_in_spill(entry, ref.from_step)
            tried.append(said)
            if found is not None:
                return Resolved.on_disk(ref, found, tuple(tried), self._tell)
        else:
            cause = None
            tried.append({"place": "spill", "outcome": "absent", "reason": f"only {FRAME!r} is ever spilled"})
        raise InputNotFound(
            step=step, name=name, upstream=ref.from_step, tried=tried, present=self.held()
        ) from cause

    def _look_in_spill(
        self, entry: _Entry | None, step: str
    ) -> tuple[Spilled | None, dict[str, Any], SpillDamaged | None]:
        path = layout.parquet(step)
        try:
            # a step that put something here may have an older spill of an earlier try: that is another frame
            spilled = entry.spilled if entry else self._spills.find(step)
            if spilled is None:
                return (
                    None,
                    {"place": "spill", "outcome": "absent", "reason": f"no {layout.schema(step)}"},
                    None,
                )
            spill.check(spilled)
        except SpillDamaged as damage:
            self._tell("spill_read", {"step_id": step, "path": path, "ok": False, "error": str(damage)})
            return None, {"place": "spill", "outcome": "damaged", "reason": str(damage)}, damage
        return spilled, {"place": "spill", "outcome": "found", "reason": path}, None

    def capture(self, step: str, inputs: Mapping[str, Resolved]) -> tuple[str, ...]:
        """Spills the inputs of a failed step that are only in memory, so that it can be replayed.

        Gives the paths of all its inputs that are on disk then. They stay in memory too: others may want them.
        """
        paths = []
        for resolved in inputs.values():
            entry = self._entries.get(resolved.ref.from_step)
            reason = f"input of {step!r}, which failed"
            if resolved.place == "spill" or (
                entry is not None
                and resolved.ref.key == FRAME
                and self._spill(resolved.ref.from_step, entry, reason, drop=False)
            ):
                paths.append(layout.parquet(resolved.ref.from_step))
        return tuple(dict.fromkeys(paths))

    def consumed(self, step: str, position: int) -> None:
        """The consumer at ``position`` of the manifest is done with the frame of ``step``."""
        entry = self._entries.get(step)
        if entry is None or position not in entry.uses:
            return
        entry.uses.remove(position)
        if not entry.uses and self._policy.release_consumed and entry.frame is not None:
            freed = self._drop(entry)
            entry.released = True
            self.settle()
            self._tell(
                "frame_released", {"step_id": step, "bytes": freed, "reason": "its last consumer is done"}
            )

    def sizes(self) -> Sizes:
        """Bytes in memory and on disk."""
        entries = self._entries.values()
        return Sizes(
            sum(entry.memory_bytes for entry in entries),
            sum(entry.spilled.bytes for entry in entries if entry.spilled),
        )

    def where(self, step: str) -> Place:
        """Where the frame of a step is looked for first."""
        entry = self._entries.get(step)
        if entry is None:
            return "none"
        if entry.frame is not None:
            return "memory"
        return "spill" if entry.spilled else "none"

    def held(self) -> tuple[str, ...]:
        """The steps whose frame is in memory or on disk."""
        return tuple(step for step in self._entries if self.where(step) != "none")

"""The frames of a run: in memory, then on disk as Parquet; never in neither place.

A driver's whole result is kept. Its frame goes to disk when asked, when it has more rows than the threshold, or when the
frames in memory weigh more than the budget: then the one whose next use is farthest away.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any, Literal, Self

import pandas as pd
import pyarrow as pa

from osiris_inspect.model import layout
from osiris_inspect.model.errors import InputNotFound, SpillDamaged, SpillFailed
from osiris_inspect.model.manifest import InputRef
from osiris_inspect.runtime import frames, memory, results, spill
from osiris_inspect.runtime.disk import Disk
from osiris_inspect.runtime.resolved import Resolved
from osiris_inspect.runtime.spill import Spilled

Place = Literal["memory", "spill", "none"]
Tell = Callable[[str, dict[str, Any]], None]
FRAME = "df"
"""The key of a result under which a driver returns its frame."""
_NEVER = sys.maxsize


@dataclass(frozen=True, slots=True)
class Policy:
    """When frames leave memory. ``threshold`` is exceeded by more rows, not by as many."""

    force_spill: bool = False
    threshold: int = 100_000
    budget_bytes: int | None = None
    release_consumed: bool = False


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of the frames in memory and of their files on disk."""

    memory_bytes: int
    disk_bytes: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a driver's result.

    Attributes:
        rows: of its frame; None if there is none, as with all that follows.
        columns, dtypes: names and types as text, in the order of the frame.
        storage: where the frame lies; ``reason`` says why there.
        parquet, schema: paths below the run directory.
        keys: what the driver returned: key -> name of the Python type.
    """

    rows: int | None
    columns: tuple[str, ...]
    dtypes: tuple[str, ...]
    storage: Place
    reason: str
    memory_bytes: int
    spill_bytes: int
    parquet: str | None
    schema: str | None
    fingerprint: str | None
    schema_hash: str | None
    keys: Mapping[str, str]


@dataclass(slots=True)
class _Entry:
    """What is kept for one step. A frame is in ``frame``, in ``spilled``, in both, or was released."""

    result: dict[str, Any]
    frame: pd.DataFrame | pa.Table | None = None
    memory_bytes: int = 0
    spilled: Spilled | None = None
    released: bool = False
    uses: list[int] = field(default_factory=list)

    @property
    def next_use(self) -> int:
        return min(self.uses, default=_NEVER)


def _tell_nobody(_event: str, _fields: dict[str, Any]) -> None:
    return None


class FrameStore:
    """Keeps what each step returned, as long as the run lasts.

    ``next_uses`` names the places in the manifest where a step's frame is wanted. ``tell`` hears of every move.
    After any failure a frame is where it was before.
    """

    def __init__(
        self,
        root: Path,
        policy: Policy,
        tell: Tell = _tell_nobody,
        *,
        next_uses: Mapping[str, Sequence[int]] | None = None,
        disk: Disk | None = None,
    ) -> None:
        self._root, self._policy, self._tell = root, policy, tell
        self._next_uses = {step: list(places) for step, places in (next_uses or {}).items()}
        self._disk = disk or Disk()
        self._entries: dict[str, _Entry] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of every frame in memory; what is on disk stays."""
        self._entries.clear()
        memory.give_back()

    def put(self, step: str, result: Mapping[str, Any] | None) -> Kept:
        """Keeps the whole of what a driver returned, and spills its frame where the policy wants it.

        If the disk refuses, the frame stays in memory, and ``spill_failed`` is told.
        """
        kept = dict(result) if isinstance(result, Mapping) else {}
        keys = results.kinds(result)
        frame = kept.pop(FRAME, None)
        entry = _Entry(kept, uses=self._next_uses.get(step, []))
        if isinstance(frame, pa.RecordBatchReader):
            frame = frame.read_all()
        self._entries[step] = entry
        if not isinstance(frame, pd.DataFrame | pa.Table):
            if frame is not None:
                kept[FRAME] = frame
            return Kept(None, (), (), "none", results.why_no_frame(result), 0, 0, None, None, None, None, keys)
        entry.frame = frames.own(frame)
        entry.memory_bytes = memory.size_of(frame)
        return self._place(step, entry, keys)

    def _place(self, step: str, entry: _Entry, keys: Mapping[str, str]) -> Kept:
        frame = entry.frame
        assert frame is not None  # noqa: S101 - `put` has just set it
        form = frames.plan_any(frame)
        reason = self._why_spill(form.rows)
        fingerprint = None
        if reason and self._spill(step, entry, reason, form):
            fingerprint = entry.spilled.document["fingerprint"] if entry.spilled else None
        else:
            fingerprint = spill.fingerprint_of(form)
        reason = reason if entry.frame is None else (f"{reason}, but the disk refused" if reason else "fits in memory")
        self._keep_budget()
        if entry.frame is None and reason == "fits in memory":
            reason = "over the budget for memory"
        return self._kept(step, entry, form, reason, fingerprint, keys)

    def _kept(
        self, step: str, entry: _Entry, form: frames.Form, reason: str, fingerprint: str | None, keys: Mapping[str, str]
    ) -> Kept:
        spilled = entry.spilled
        return Kept(
            rows=form.rows,
            columns=tuple(field_["physical"] for field_ in form.fields),
            dtypes=tuple(field_["dtype"] for field_ in form.fields),
            storage=self.where(step),
            reason=reason,
            memory_bytes=entry.memory_bytes if entry.frame is not None else 0,
            spill_bytes=spilled.bytes if spilled else 0,
            parquet=layout.parquet(step) if spilled else None,
            schema=layout.schema(step) if spilled else None,
            fingerprint=fingerprint,
            schema_hash=spill.schema_hash(form),
            keys=keys,
        )

    def _why_spill(self, rows: int) -> str:
        if self._policy.force_spill:
            return "every frame is spilled"
        if rows > self._policy.threshold:
            return f"{rows:,} rows, more than {self._policy.threshold:,}"
        return ""

    def _spill(self, step: str, entry: _Entry, reason: str, form: frames.Form | None = None, *, drop: bool = True) -> bool:
        """Whether the frame of a step is on disk now; with ``drop`` it is no longer in memory then."""
        if entry.spilled is None:
            if entry.frame is None:
                return False
            entry.spilled = self._write(step, entry, reason, form or frames.plan_any(entry.frame))
        if entry.spilled is None:
            return False
        if drop:
            entry.frame, entry.memory_bytes = None, 0
            memory.give_back()
        return True

    def _write(self, step: str, entry: _Entry, reason: str, form: frames.Form) -> Spilled | None:
        start = perf_counter()
        try:
            spilled = spill.write(self._root, step, form, entry.memory_bytes, self._disk)
        except SpillFailed as error:
            self._tell("spill_failed", {"step_id": step, "reason": reason, "rows": form.rows, "error": str(error)})
            return None
        told = {"step_id": step, "rows": form.rows, "ms": round((perf_counter() - start) * 1000, 1)}
        self._tell(
            "spill_write",
            told | {"path": layout.parquet(step), "bytes": spilled.bytes, "reason": reason, "ok": True},
        )
        for path in (layout.parquet(step), layout.schema(step)):
            size = (self._root / path).stat().st_size
            self._tell("artifact_created", {"step_id": step, "path": path, "bytes": size})
        for change in frames.downgrades(form):
            self._tell("dtype_downgraded", {"step_id": step, **change})
        return spilled

    def _keep_budget(self) -> None:
        """Spills the frames whose next use is farthest away until the rest fits; a disk that refuses ends it."""
        budget = self._policy.budget_bytes
        if budget is None:
            return
        refused: set[str] = set()
        while self.sizes().memory_bytes > budget:
            candidates = [
                (entry.next_use, step)
                for step, entry in self._entries.items()
                if entry.frame is not None and step not in refused
            ]
            if not candidates:
                return
            _, step = max(candidates)
            if not self._spill(step, self._entries[step], "over the budget for memory"):
                refused.add(step)

    def resolve(self, step: str, name: str, ref: InputRef) -> Resolved:
        """The input ``name`` of ``step``: from memory, else from spill.

        Raises:
            InputNotFound: in neither; ``tried`` says what was found in each.
        """
        entry = self._entries.get(ref.from_step)
        tried = [results.look_in_memory(entry, ref, FRAME)]
        if entry is not None and tried[0]["outcome"] == "found":
            value = entry.frame if ref.key == FRAME and entry.frame is not None else entry.result.get(ref.key)
            return Resolved.in_memory(ref, value, tuple(tried))
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
            spilled = (entry.spilled if entry else None) or spill.find(self._root, step)
            if spilled is None:
                return None, {"place": "spill", "outcome": "absent", "reason": f"no {layout.schema(step)}"}, None
            spill.check(spilled)
        except SpillDamaged as damage:
            self._tell("spill_read", {"step_id": step, "path": path, "ok": False, "error": str(damage)})
            return None, {"place": "spill", "outcome": "damaged", "reason": str(damage)}, damage
        if entry is not None and entry.spilled is None:
            entry.spilled = spilled
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
            freed, entry.frame, entry.memory_bytes = entry.memory_bytes, None, 0
            entry.released = True
            memory.give_back()
            self._tell("frame_released", {"step_id": step, "bytes": freed, "reason": "its last consumer is done"})

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

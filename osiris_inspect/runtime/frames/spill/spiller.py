"""Writer of a run's spills: emits an event for each, and syncs the directories at the end."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from time import perf_counter
from typing import Any

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import SpillFailed
from osiris_inspect.runtime.files.hashed_file import Filesystem
from osiris_inspect.runtime.frames.conversion import frame as frames
from osiris_inspect.runtime.frames.conversion.frame_plan import FramePlan
from osiris_inspect.runtime.frames.spill import spill_file as spill
from osiris_inspect.runtime.frames.spill.spill_file import SpillFile

EmitEvent = Callable[[str, dict[str, Any]], None]
Batching = Callable[[], AbstractContextManager[None]]


def discard_event(_event: str, _fields: dict[str, Any]) -> None:
    """Ignore an event."""


class Spiller:
    """Writes spills below ``root`` and reports each success and failure to ``on_event``.

    The events of one spill are emitted within one ``batching`` context.
    """

    def __init__(
        self, root: Path, disk: Filesystem, on_event: EmitEvent, batching: Batching = nullcontext
    ) -> None:
        self._root, self._disk, self._emit, self._batching = root, disk, on_event, batching
        self._unsynced: dict[str, None] = {}
        self._keys: dict[str, list[str]] = {}

    def has_room(self, size: int) -> bool:
        """Return True if the disk has room for a frame of ``size`` bytes."""
        return spill.has_room(str(self._root), size, self._disk)

    def find(self, step: str, key: str = layout.FRAME_KEY) -> SpillFile | None:
        """Return the spill of a step's frame under ``key``; None if there is none.

        Raises:
            SpillCorrupt: its ``schema.json`` cannot be used.
        """
        return spill.find_spill(self._root, step, key)

    def write(
        self, step: str, plan: FramePlan, size: int, reason: str, *, in_memory: bool = False
    ) -> SpillFile:
        """Spill a frame of ``size`` bytes in memory; emit an event if it fails.

        ``in_memory`` is written to the event: the frame also stays in memory.

        Raises:
            SpillFailed: the disk refused, or memory did not suffice.
        """
        start = perf_counter()
        try:
            spilled = spill.write_spill(self._root, step, plan, size, self._disk)
        except SpillFailed as error:
            failure = {"step_id": step, "reason": reason, "rows": plan.rows, "error": str(error)}
            self._emit("spill_failed", failure)
            raise
        self._unsynced[step] = None
        ms = round((perf_counter() - start) * 1000, 1)
        event_fields: dict[str, Any] = {
            "step_id": step,
            "path": layout.spill_path(step),
            "rows": spilled.rows,
            "bytes": spilled.bytes,
            "ms": ms,
            "reason": reason,
            "ok": True,
            "in_memory": in_memory,
        }
        with self._batching():
            self._emit("spill_write", event_fields)
            self._emit_artifacts(step, spilled)
            for change in frames.type_downgrades(plan):
                self._emit("dtype_downgraded", {"step_id": step, **change})
        return spilled

    def write_under_key(self, step: str, key: str, plan: FramePlan, size: int) -> SpillFile:
        """Spill a frame of ``size`` bytes in memory that a step returned under another key than ``df``.

        Raises:
            SpillFailed: the disk refused, or memory did not suffice.
        """
        spilled = spill.write_spill(self._root, step, plan, size, self._disk, key=key)
        self._keys.setdefault(step, []).append(key)
        self._unsynced[step] = None
        with self._batching():
            self._emit_artifacts(step, spilled)
        return spilled

    def _emit_artifacts(self, step: str, spilled: SpillFile) -> None:
        for kind, path, size in (
            ("parquet", spilled.path, spilled.parquet_bytes),
            ("schema", layout.schema_path(step, spilled.key), spilled.schema_bytes),
        ):
            event_fields = {"step_id": step, "artifact_type": kind, "path": path, "bytes": size}
            self._emit("artifact_created", event_fields)

    def remove(self, step: str) -> None:
        """Remove the spills of an earlier attempt of a step; emit an event if the disk refuses."""
        try:
            for key in (layout.FRAME_KEY, *self._keys.pop(step, ())):
                spill.remove_spill(f"{self._root}/{layout.artifacts_dir(step)}", self._disk, key)
        except OSError as error:
            reason = "the spill of an earlier attempt could not be removed"
            self._emit("spill_failed", {"step_id": step, "reason": reason, "error": str(error)})

    def close(self) -> None:
        """Sync the directories of all spills.

        Done once at the end: syncing costs as much as writing a small frame, and a run cut by a power failure must
        be repeated anyway.
        """
        steps, self._unsynced = self._unsynced, {}
        for step in steps:
            try:
                self._disk.sync_folder(f"{self._root}/{layout.artifacts_dir(step)}")
            except OSError as error:
                reason = "the files were written, but a power cut may lose them"
                event_fields = {"path": layout.spill_path(step), "reason": reason, "error": str(error)}
                self._emit("spill_unsynced", {"step_id": step, **event_fields})

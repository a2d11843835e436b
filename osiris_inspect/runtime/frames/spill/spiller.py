"""The spills of one run: each is told of, and from the end of the run on they survive a power cut."""

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


class Spiller:
    """Writes spills below ``root``; ``tell`` hears of each, and of each that failed.

    What it hears of one spill is heard within ``together``, while nothing else happens.
    """

    def __init__(
        self, root: Path, disk: Filesystem, on_event: EmitEvent, batching: Batching = nullcontext
    ) -> None:
        self._root, self._disk, self._tell, self._together = root, disk, on_event, batching
        self._unsynced: dict[str, None] = {}

    def has_room(self, size: int) -> bool:
        """Whether the disk has room for a frame of ``size`` bytes."""
        return spill.has_room(str(self._root), size, self._disk)

    def find(self, step: str) -> SpillFile | None:
        """The spill of a step; None if it has none.

        Raises:
            SpillCorrupt: there is one, and its ``schema.json`` cannot be used.
        """
        return spill.find_spill(self._root, step)

    def write(
        self, step: str, form: FramePlan, size: int, reason: str, *, in_memory: bool = False
    ) -> SpillFile | None:
        """Spills a frame of ``size`` bytes in memory; None where the disk refused, which is told.

        ``in_memory`` says that the frame stays there as well.
        """
        start = perf_counter()
        try:
            spilled = spill.write_spill(self._root, step, form, size, self._disk)
        except SpillFailed as error:
            why = {"reason": reason, "rows": form.rows, "error": str(error)}
            self._tell("spill_failed", {"step_id": step, **why})
            return None
        self._unsynced[step] = None
        ms = round((perf_counter() - start) * 1000, 1)
        told = {
            "step_id": step,
            "path": layout.spill_path(step),
            "rows": spilled.rows,
            "bytes": spilled.bytes,
        }
        with self._together():
            self._tell("spill_write", told | {"ms": ms, "reason": reason, "ok": True, "in_memory": in_memory})
            self._emit_artifacts(step, spilled)
            for change in frames.type_downgrades(form):
                self._tell("dtype_downgraded", {"step_id": step, **change})
        return spilled

    def _emit_artifacts(self, step: str, spilled: SpillFile) -> None:
        for kind, path, size in (
            ("parquet", layout.spill_path(step), spilled.parquet_bytes),
            ("schema", layout.schema_path(step), spilled.schema_bytes),
        ):
            told = {"step_id": step, "artifact_type": kind, "path": path, "bytes": size}
            self._tell("artifact_created", told)

    def remove(self, step: str) -> None:
        """Takes the spill of an earlier try of a step away; a disk that refuses is told of."""
        try:
            spill.remove_spill(self._root, step, self._disk)
        except OSError as error:
            why = {"reason": "an older spill of the step could not be removed", "error": str(error)}
            self._tell("spill_failed", {"step_id": step, **why})

    def close(self) -> None:
        """Syncs the folders of what was spilled.

        All at the end, since for a small frame each takes as long as to write it; and the pipeline has to run again anyway
        where the power was cut before its end.
        """
        unnamed, self._unsynced = self._unsynced, {}
        for step in unnamed:
            try:
                spill.sync_directory(self._root, step, self._disk)
            except OSError as error:
                why = "its files are there, but a power cut may take their names"
                told = {"path": layout.spill_path(step), "reason": why, "error": str(error)}
                self._tell("spill_unsynced", {"step_id": step, **told})

"""Compares the frames that two runs left on disk, for ``diff_runs``."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from osiris_inspect.inspector.files import remote_registry
from osiris_inspect.inspector.files.run_files import RunFiles
from osiris_inspect.inspector.run.comparison.frame_changes import FrameChanges
from osiris_inspect.inspector.run.frame_info import frame_path
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.tables.diff.frame_diff import FrameDiffOptions, diff_frames
from osiris_inspect.inspector.tables.diff.frame_pair import FramesNotComparable
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import UnsafePath
from osiris_inspect.model.run_types import OutputLevel

MAX_UNASKED_BYTES: Final = 64 << 20
"""Size of a frame that is compared although the user did not ask for frames."""


class StoredFrames:
    """The frames of two runs, each pair compared once.

    Attributes:
        changes: the differences by step of the second run.
        missing: why the frames of a step cannot be compared, by step of the second run.
    """

    def __init__(self, options: FrameDiffOptions, *, is_asked_for: bool) -> None:
        """With ``is_asked_for`` frames of every size are compared, and those of remote runs are downloaded."""
        self._options, self._is_asked_for = options, is_asked_for
        self.changes: dict[str, FrameChanges] = {}
        self.missing: dict[str, str] = {}

    def level(self, base: Run, base_step: str, other: Run, other_step: str) -> OutputLevel | None:
        """Return the level of two frames; None if they are not both on disk, or cannot be compared."""
        files = self._file(base, base_step), self._file(other, other_step)
        absent = [run.id for run, file in zip((base, other), files, strict=True) if file is None]
        if files[0] is None or files[1] is None:
            self.missing[other_step] = f"not kept by {' and '.join(absent)}"
            return None
        options = replace(self._options, candidates=tuple(_writer_keys(base, base_step)))
        try:
            changes = diff_frames(files[0], files[1], options)
        except FramesNotComparable as error:
            if options.key and self._is_asked_for:
                raise
            self.missing[other_step] = str(error)
            return None
        self.changes[other_step] = changes
        return changes.level

    def _file(self, run: Run, step: str) -> Path | None:
        if not layout.is_safe_name(step):
            return None
        try:
            file = frame_path(run, step)
        except UnsafePath:
            return None
        disk = RunFiles(run.path)
        if disk.is_mirror and self._is_asked_for:
            remote_registry.fetch_all(file)
        size = disk.size(layout.spill_path(step))
        is_readable = bool(size) and (self._is_asked_for or (size or 0) <= MAX_UNASKED_BYTES)
        return file if is_readable and remote_registry.is_complete(file) else None


def _writer_keys(run: Run, step: str) -> list[tuple[str, ...]]:
    """Return the keys by which writers that take a frame identify its rows."""
    keys = []
    for consumer in run.steps:
        key = _config_key(consumer.config) if step in consumer.needs else ()
        if key:
            keys.append(key)
    return keys


def _config_key(config: Mapping[str, object]) -> tuple[str, ...]:
    key = config.get("primary_key")
    if isinstance(key, str):
        return (key,)
    return tuple(map(str, key)) if isinstance(key, list | tuple) else ()

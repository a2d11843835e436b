"""Frames that a later run of the failed and skipped steps needs: which are on disk, and why the others are not."""

import json
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from osiris_inspect.base.safe_open import open_regular
from osiris_inspect.model import manifest
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.manifest import InputRef
from osiris_inspect.runtime.proxy.scheduling.run_context import RunContext

MAX_SCHEMA_BYTES: Final = 64 * 1024 * 1024
"""Largest ``schema.json`` that is read."""


@dataclass(frozen=True, slots=True)
class NeededFrame:
    """Input of a step that failed or was skipped, whose frame an earlier step returned."""

    step: str
    input: str
    ref: InputRef
    has_failed: bool

    @property
    def files(self) -> tuple[str, ...]:
        """The files of the frame, relative to the run directory."""
        return layout.spill_files(self.ref.from_step, self.ref.key)


def needed_frames(context: RunContext) -> Iterator[NeededFrame]:
    """Yield the inputs of the steps that failed or were skipped, if the step before them succeeded or was taken over."""
    progress = context.progress
    for step in context.steps:
        if step.id in progress.failed or step.id in progress.skipped:
            for name, ref in manifest.bind_inputs(step).items():
                if ref.from_step in (*progress.succeeded, *progress.reused):
                    yield NeededFrame(step.id, name, ref, step.id in progress.failed)


def kept_files(context: RunContext) -> frozenset[str]:
    """Return the files of the frames that stay after the run: the needed ones, or those of all steps."""
    files = [file for frame in needed_frames(context) for file in frame.files]
    if context.request.settings.keep == "frames":
        files += [file for step in context.progress.succeeded for file in layout.spill_files(step)]
    return frozenset(files)


def report_frames(context: RunContext, missing_reason: str, left: Mapping[str, int]) -> None:
    """Record ``frame_captured`` or ``capture_missed`` for each needed frame without one of them.

    ``left`` holds the files that were too large to download, with their bytes. A frame whose worker reported it, but
    whose files are not here, is recorded as missed. ``missing_reason`` is the reason for all others.
    """
    for frame in needed_frames(context):
        event_fields: dict[str, Any] = {
            "step": frame.step,
            "input": frame.input,
            "from_step": frame.ref.from_step,
        }
        why = "input of the failed step" if frame.has_failed else "input of a step that did not run"
        reported = context.recorder.captures.get((frame.step, frame.input))
        size = stored_bytes(context.progress.path, frame.ref)
        if size is not None:
            if reported != "frame_captured":
                event_fields |= {"path": frame.files[0], "bytes": size, "why": why}
                context.emit("frame_captured", event_fields, frame.step)
        elif reported != "capture_missed":
            over_limit = [left[file] for file in frame.files if file in left]
            event_fields |= {"bytes": sum(over_limit) or None, "why": why, "reason": missing_reason}
            if over_limit:
                limit = context.request.settings.capture_limit
                event_fields |= {
                    "reason": "over the limit",
                    "limit_bytes": limit,
                    "option": "--capture-limit",
                }
            context.emit("capture_missed", event_fields, frame.step)


def stored_bytes(run_dir: Path, ref: InputRef) -> int | None:
    """Return the bytes of a frame on disk whose files have the sizes in its ``schema.json``; None without it.

    Its hashes are not verified here: a reader of the frame does that.
    """
    main, schema, index = layout.spill_files(ref.from_step, ref.key)
    names = {path.rpartition("/")[2]: run_dir / path for path in (main, index)}
    try:
        with os.fdopen(open_regular(run_dir / schema), "rb") as file:
            sizes = _file_sizes(file.read(MAX_SCHEMA_BYTES), names)
        if any(names[name].lstat().st_size != size for name, size in sizes.items()):
            return None
    except (OSError, ValueError):
        return None
    return sum(sizes.values())


def _file_sizes(text: bytes, names: Collection[str]) -> dict[str, int]:
    """Return the size of each file of a frame.

    Raises:
        ValueError: the text is not a ``schema.json`` of a frame with these files.
    """
    document = json.loads(text)
    files = document.get("files") if isinstance(document, Mapping) else None
    if not isinstance(files, Mapping) or not files or not files.keys() <= set(names):
        raise ValueError("not a schema.json of this frame")
    sizes: dict[str, int] = {}
    for name, file in files.items():
        size = file.get("bytes") if isinstance(file, Mapping) else None
        if type(size) is not int:
            raise ValueError("not a schema.json of this frame")
        sizes[name] = size
    return sizes

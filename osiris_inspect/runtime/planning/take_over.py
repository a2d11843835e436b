"""Takes over results of earlier runs before the first step of a run."""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from osiris_inspect.base.safe_open import open_regular
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import InputsGone, SourceChanged, SpillCorrupt
from osiris_inspect.model.event import Event
from osiris_inspect.runtime.files.atomic_write import write_atomic
from osiris_inspect.runtime.pipeline.compiler import Compiled
from osiris_inspect.runtime.planning.reused_step import ReusedStep, RunOrigin


class TakenOver(NamedTuple):
    """Result of an earlier run in the run directory: the fields of its event, and its files."""

    event_fields: Mapping[str, Any]
    files: tuple[str, ...] = ()


def take_over(reused: Mapping[str, ReusedStep], run_dir: Path) -> dict[str, TakenOver]:
    """Copy the frames of reused steps into a new run directory.

    Raises:
        InputsGone: a frame is missing or damaged, or it has another fingerprint than the log of its run has.
        OSError: a file cannot be read or written.
    """
    return {step: _take_over(step, entry, run_dir) for step, entry in reused.items()}


def _take_over(step: str, entry: ReusedStep, run_dir: Path) -> TakenOver:
    _copy_cleaned_config(step, entry.run_dir, run_dir)
    event_fields: dict[str, Any] = {
        "from_run": entry.from_run,
        "fingerprint": entry.fingerprint,
        "rows": entry.rows,
    }
    if entry.code is not None:
        event_fields["code"] = entry.code
    if not entry.frames:
        return TakenOver({**event_fields, "schema_hash": None, "how": entry.how})
    from osiris_inspect.runtime.frames.spill.copy_spill import copy_spill  # imports pandas

    try:
        copies = [
            copy_spill(entry.run_dir, run_dir, step, fingerprint, key)
            for key, fingerprint in entry.frames.items()
        ]
    except SpillCorrupt as error:
        raise InputsGone(
            f"the frame of step {step!r} cannot be taken over from {entry.from_run}: {error.message}",
            fix=error.fix,
            step=step,
            run=entry.from_run,
        ) from error
    first, how = copies[0]
    event_fields |= {
        "rows": first.rows,
        "schema_hash": first.document["schema_hash"],
        "how": how,
        "bytes": sum(copied.bytes for copied, _ in copies),
    }
    if entry.other_frames:
        event_fields["keys"] = entry.frames
    names = [
        path
        for key, (copied, _) in zip(entry.frames, copies, strict=True)
        for path in layout.spill_files(step, key)
        if path == layout.schema_path(step, key) or path.rpartition("/")[2] in copied.document["files"]
    ]
    return TakenOver(event_fields, tuple(names))


def _copy_cleaned_config(step: str, source: Path, target: Path) -> None:
    """Copy the configuration that the driver received, if it was written: a later run compares it with its own."""
    with suppress(FileNotFoundError):
        descriptor = open_regular(source / layout.cleaned_config_path(step))
        with os.fdopen(descriptor, "rb") as file:
            (target / layout.artifacts_dir(step)).mkdir(0o700, parents=True, exist_ok=True)
            write_atomic(target / layout.cleaned_config_path(step), file.read(), sync=False)


def frame_files(reused: Mapping[str, TakenOver]) -> tuple[str, ...]:
    """Return the files in the run directory of the frames that were taken over."""
    return tuple(name for entry in reused.values() for name in entry.files)


def without_reused(compiled: Compiled, reused: Mapping[str, ReusedStep]) -> Compiled:
    """Return a pipeline without its reused steps; needs of the other steps stay."""
    if not reused:
        return compiled
    steps = tuple(step for step in compiled.manifest.steps if step.id not in reused)
    return replace(
        compiled,
        manifest=replace(compiled.manifest, steps=steps),
        configs={step: config for step, config in compiled.configs.items() if step not in reused},
    )


def changed_source(
    step: str, expected: str | None, origin: RunOrigin | None, events: Iterable[Event]
) -> SourceChanged | None:
    """Return the error of a step that returned another frame than in the earlier run; None if it did not."""
    stored = [event for event in events if event.name == "output_stored" and event.step == step]
    if expected is None or not stored or stored[-1].fields.get("fingerprint") == expected:
        return None
    earlier = origin.run if origin is not None else "the earlier run"
    return SourceChanged(
        f"step {step!r} returned another frame than in {earlier}, whose other frames are of the old rows",
        fix="run the whole pipeline, or resume with --allow-mixed",
        run=earlier,
        expected=expected,
        fingerprint=stored[-1].fields.get("fingerprint"),
        rows=stored[-1].row_count,
    )

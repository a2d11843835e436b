"""Frames of earlier runs on disk, and the runs that continued a run."""

from pathlib import Path
from typing import Final

from osiris_inspect.base.safe_open import open_regular
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import InvalidLine, SpillCorrupt
from osiris_inspect.model.event import decode
from osiris_inspect.model.jsonl import MAX_LINE
from osiris_inspect.runtime.frames.spill.copy_spill import find_reusable

_MAX_RUNS: Final = 500
"""Newest runs of a folder that are searched."""


def find_frame(run_dir: Path, step: str, fingerprint: str) -> Path | None:
    """Return the run directory that holds the frame of a step: this run, or else another one in its folder."""
    for folder in (run_dir, *sibling_runs(run_dir)):
        if (folder / layout.schema_path(step)).is_file():
            try:
                find_reusable(folder, step, fingerprint)
            except SpillCorrupt:  # another frame, or one that was damaged since
                continue
            return folder
    return None


def sibling_runs(run_dir: Path) -> tuple[Path, ...]:
    """Return the other runs in the folder of a run, newest first."""
    return tuple(folder for folder in newest_runs(run_dir.absolute().parent) if folder.name != run_dir.name)


def newest_runs(logs: Path) -> tuple[Path, ...]:
    """Return the runs in a folder, newest first."""
    runs = [
        (start, folder)
        for folder in logs.glob("run_*")
        if (start := layout.parse_start_ms(folder.name)) is not None and not folder.is_symlink()
    ]
    return tuple(folder for _, folder in sorted(runs, reverse=True)[:_MAX_RUNS])


def continued_by(run_dir: Path) -> Path | None:
    """Return the newest run that resumed a run; None if there is none."""
    return next((folder for folder in sibling_runs(run_dir) if _resumed_run(folder) == run_dir.name), None)


def _resumed_run(folder: Path) -> str | None:
    """Return the run that a run resumed, by the first line of its log; None if it resumed none."""
    try:
        descriptor = open_regular(folder / layout.EVENTS)
    except OSError:
        return None
    with open(descriptor, "rb") as file:  # noqa: PTH123  a descriptor
        try:
            start = decode(file.readline(MAX_LINE))
        except InvalidLine:
            return None
    origin = start.fields.get("origin")
    if start.name == "run_start" and isinstance(origin, dict) and origin.get("kind") == "resume":
        return str(origin.get("run"))
    return None

"""Removes frames of older runs after a run, if the user's ``config.toml`` has limits for them."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.user_config import KeepLimits

if TYPE_CHECKING:
    from osiris_inspect.inspector.files.old_runs import StoredRun

_HEAD_BYTES: Final = 256 * 1024
"""Bytes of a log that contain the event ``run_start``."""


class KeptRun(NamedTuple):
    """Run with frames on disk; ``written`` is in seconds since 1970, ``size`` the bytes of its frames."""

    path: Path
    pipeline: str
    written: float
    size: int
    is_removable: bool


def remove_old_frames(run: Path, limits: KeepLimits | None, *, quiet: bool) -> None:
    """Remove the frames of runs beside ``run`` that exceed the limits, the oldest first, and say so on stderr.

    Does nothing without limits. The frames of ``run``, and of runs that are running, stay.
    """
    if limits is None:
        return
    from osiris_inspect.inspector.files.old_runs import stored_runs
    from osiris_inspect.inspector.text.units import format_bytes, pluralize
    from osiris_inspect.runtime.frames.spill.remove_frames import remove_frames

    now = time.time()
    kept = [
        _kept_run(stored, is_removable=stored.path.name != run.name)
        for stored in stored_runs(run.parent, now)
    ]
    removed: list[int] = []
    try:
        removed += (remove_frames(old.path) for old in exceeding_runs(kept, limits, now))
    except OSError as error:
        streams.write_message(f"cannot remove frames of an older run: {error.strerror}: {error.filename!r}")
    if removed and not quiet:
        streams.write_message(
            f"removed the frames of {pluralize(len(removed), 'older run')}, {format_bytes(sum(removed))}, as [keep] of config.toml says"
        )


def exceeding_runs(runs: Iterable[KeptRun], limits: KeepLimits, now: float) -> Iterator[KeptRun]:
    """Yield the runs whose frames exceed the limits; only runs with frames count."""
    total, of_pipeline = 0, Counter[str]()
    for run in sorted(runs, key=lambda run: -run.written):
        if not run.size:
            continue
        total += run.size
        of_pipeline[run.pipeline] += 1
        exceeds = (
            (limits.runs is not None and of_pipeline[run.pipeline] > limits.runs)
            or (limits.bytes is not None and total > limits.bytes)
            or (limits.age_s is not None and run.written < now - limits.age_s)
        )
        if exceeds and run.is_removable:
            yield run


def _kept_run(stored: "StoredRun", *, is_removable: bool) -> KeptRun:
    from osiris_inspect.inspector.files.run_files import RunFiles
    from osiris_inspect.model import run_layout as layout
    from osiris_inspect.runtime.frames.spill.remove_frames import frames_bytes

    disk = RunFiles(stored.path)
    has_ended = disk.exists(layout.STATUS) and not disk.is_locked(layout.EVENTS)
    return KeptRun(
        stored.path,
        _pipeline(disk.head(layout.EVENTS, _HEAD_BYTES)),
        stored.written,
        frames_bytes(stored.path),
        is_removable and has_ended,
    )


def _pipeline(head: bytes) -> str:
    """Return the pipeline of a run by the head of its log; empty if it does not say."""
    from osiris_inspect.model.errors import InvalidLine
    from osiris_inspect.model.event import decode

    for line in head.splitlines():
        try:
            event = decode(line)
        except InvalidLine:
            continue
        if event.name == "run_start":
            return str(event.fields.get("pipeline") or "")
    return ""

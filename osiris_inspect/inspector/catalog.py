"""The runs under a directory, newest first, whatever layout they lie in.

Both eras of the original are walked: ``logs/run_<ms>`` and ``run_logs/<profile>/<pipeline>/<run>``. A run is known by
the files in it, and nothing inside a run is a run of its own.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from osiris_inspect.inspector.run import Mode, RunStatus
from osiris_inspect.model import layout
from osiris_inspect.model.errors import UnreadableRun

MAX_DEPTH = 6
"""Folders between the directory asked for and a run, at most."""


@dataclass(frozen=True, slots=True)
class RunEntry:
    """A run in a list.

    Attributes:
        rows: the rows that left the run; None where not told.
        cause: why it is no success, in one line; None for a success and where nothing explains it.
    """

    path: Path
    id: str
    pipeline: str | None
    status: RunStatus
    mode: Mode | None
    started: float | None
    duration_s: float | None
    rows: int | None
    cause: str | None


def is_run(path: Path) -> bool:
    """Whether a directory holds a part of a run."""
    try:
        return path.is_dir() and any((path / sign).is_file() for sign in layout.SIGNS_OF_A_RUN)
    except (OSError, ValueError):
        return False


def find_runs(path: Path) -> list[Path]:
    """The runs in a directory, newest first; the directory itself where it is one.

    Raises:
        UnreadableRun: there is no such directory, or no run in it.
    """
    if is_run(path):
        return [path]
    try:
        if not path.exists():
            raise UnreadableRun(f"{str(path)!r}: no such file or directory")
        if not path.is_dir():
            raise UnreadableRun(
                f"{str(path)!r} is a file, not a run directory; name the directory it lies in"
            )
    except (OSError, ValueError) as error:
        raise UnreadableRun(f"{str(path)!r} cannot be read: {error}") from error
    found = list(_walk(path, MAX_DEPTH, set()))
    if not found:
        raise UnreadableRun(
            f"{str(path)!r} holds no run: looked for {layout.EVENTS} down to {MAX_DEPTH} folders deep"
        )
    return sorted(found, key=_newest_first)


def entries(path: Path, *, now: float | None = None) -> list[RunEntry]:
    """The runs in a directory as a list to choose from, newest first.

    Raises:
        UnreadableRun: there is no such directory, or no run in it.
    """
    return [entry(run, now=now) for run in find_runs(path)]


def entry(path: Path, *, now: float | None = None, cache: Path | None = None) -> RunEntry:
    """One run of a list; ``cache`` as for ``run.load``.

    Raises:
        UnreadableRun: the path is no run.
    """
    from osiris_inspect.inspector.diagnose import diagnose
    from osiris_inspect.inspector.lineage import trace
    from osiris_inspect.inspector.report import Report
    from osiris_inspect.inspector.run import load
    from osiris_inspect.inspector.summary import place_of, rows_of

    run = load(path, now=now, cache=cache)
    lineage = trace(run)
    # a run that went well needs no cause, so no rule is asked
    findings = () if run.status in ("success", "running") else diagnose(run, lineage)[0]
    told = Report(run, lineage, findings)
    cause = told.root_cause
    return RunEntry(
        path=path,
        id=run.id,
        pipeline=run.pipeline,
        status=run.status,
        mode=run.mode,
        started=run.started,
        duration_s=run.duration_s,
        rows=rows_of(told),
        cause=f"{place_of(cause)}: {cause.message}" if cause is not None else None,
    )


def _walk(folder: Path, depth: int, seen: set[tuple[int, int]]) -> Iterator[Path]:
    """The runs below a folder; each real folder is entered once, so links in a circle end."""
    for child in _folders(folder):
        identity = _identity(child)
        if identity is None or identity in seen:
            continue
        seen.add(identity)
        if is_run(child):
            yield child
        elif depth > 1:
            yield from _walk(child, depth - 1, seen)


def _folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as children:
            names = sorted(
                child.name for child in children if child.is_dir() and not child.name.startswith(".")
            )
    except OSError:  # a folder that may not be listed shows no run
        return []
    return [folder / name for name in names]


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        state = folder.stat()
    except OSError:
        return None
    return state.st_dev, state.st_ino


def _newest_first(run: Path) -> tuple[float, str]:
    named = layout.started_ms(run.name)
    return (-(named / 1000 if named is not None else _modified(run)), run.name)


def _modified(run: Path) -> float:
    for sign in layout.SIGNS_OF_A_RUN:
        try:
            return (run / sign).stat().st_mtime
        except OSError:
            continue
    return 0.0

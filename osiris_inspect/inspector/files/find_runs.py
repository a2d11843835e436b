"""Finds the runs under a directory, newest first, in every layout.

Layouts of the original are ``logs/run_<ms>`` and ``run_logs/<profile>/<pipeline>/<run>``. A run is recognized
by its files, and is not searched for further runs.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import RunNotReadable

MAX_DEPTH = 6
"""Maximum number of folders between the directory and a run."""


def is_run(path: Path) -> bool:
    """Return True if a directory contains a file of a run."""
    folder = os.fspath(path)
    return any(os.path.isfile(f"{folder}/{name}") for name in layout.RUN_MARKER_FILES)  # noqa: PTH113  a Path is five times slower


def find_runs(path: Path) -> list[Path]:
    """Return the runs in a directory, newest first, or the directory itself if it is a run.

    Raises:
        RunNotReadable: the directory does not exist or contains no run.
    """
    if is_run(path):
        return [path]
    try:
        check_is_directory(path)
        runs = list(_walk(path, MAX_DEPTH, set()))
    except (OSError, ValueError) as error:
        raise RunNotReadable(f"{str(path)!r} cannot be read: {error}") from error
    if not runs:
        raise RunNotReadable(
            f"{str(path)!r} contains no run: searched for {', '.join(layout.RUN_MARKER_FILES)} down to {MAX_DEPTH} folders "
            f"deep{text_log_hint(path)}"
        )
    return sorted(runs, key=_newest_first)


def text_log_hint(path: Path) -> str:
    """Return a hint for a folder that contains only the text log of a run, or a compressed or rotated log."""
    packed = sorted(file.name for file in path.glob(f"{layout.EVENTS}.*") if file.is_file())
    if packed:
        return f"; it contains {packed[0]}: unpack or rename it to {layout.EVENTS}"
    logs = [name for name in layout.TEXT_LOGS if (path / name).is_file()]
    return f"; it contains {' and '.join(logs)}, which alone is not a run" if logs else ""


def check_is_directory(path: Path) -> None:
    """Raise an error unless a path is a directory.

    Raises:
        RunNotReadable: it does not exist or is a file.
        OSError, ValueError: its state cannot be read.
    """
    if not path.exists():
        raise RunNotReadable(f"{str(path)!r}: no such file or directory")
    if not path.is_dir():
        raise RunNotReadable(f"{str(path)!r} is a file, not a run directory; use its directory")


def _walk(folder: Path, depth: int, seen: set[tuple[int, int]]) -> Iterator[Path]:
    """Yield the runs below a folder; each folder is entered once, so cycles of links end.

    Raises:
        OSError: the folder cannot be listed.
    """
    for name, identity in _folders(folder):
        if identity in seen:
            continue
        seen.add(identity)
        child = folder / name
        if is_run(child):
            yield child
        elif depth > 1:
            try:
                yield from _walk(child, depth - 1, seen)
            except (PermissionError, FileNotFoundError):
                continue  # only an unreadable top directory is an error


def _folders(folder: Path) -> list[tuple[str, tuple[int, int]]]:
    """Return the folders in a folder: name, and device and inode number."""
    with os.scandir(folder) as children:
        names = [child.name for child in children if child.is_dir() and not child.name.startswith(".")]
    states = {name: _stat(f"{os.fspath(folder)}/{name}") for name in sorted(names)}
    return [(name, (state.st_dev, state.st_ino)) for name, state in states.items() if state is not None]


def _stat(path: str) -> os.stat_result | None:
    """Return the state of a path; None if it does not exist."""
    try:
        return os.stat(path)  # noqa: PTH116  as a Path it takes five times as long
    except FileNotFoundError:
        return None


def _newest_first(run: Path) -> tuple[float, str]:
    start_ms = layout.parse_start_ms(run.name)
    return (-(start_ms / 1000 if start_ms is not None else _modified(run)), run.name)


def _modified(run: Path) -> float:
    """Return the modification time of the first file of a run; 0 if it was deleted meanwhile."""
    states = (_stat(f"{os.fspath(run)}/{name}") for name in layout.RUN_MARKER_FILES)
    return next((state.st_mtime for state in states if state is not None), 0.0)

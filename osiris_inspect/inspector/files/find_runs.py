"""The runs under a directory, newest first, whatever layout they lie in.

Both eras of the original are walked: ``logs/run_<ms>`` and ``run_logs/<profile>/<pipeline>/<run>``. A run is known by
the files in it, and nothing inside a run is a run of its own.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import RunNotReadable

MAX_DEPTH = 6
"""Folders between the directory asked for and a run, at most."""


def is_run(path: Path) -> bool:
    """Whether a directory holds a part of a run."""
    folder = os.fspath(path)
    return any(os.path.isfile(f"{folder}/{sign}") for sign in layout.RUN_MARKER_FILES)  # noqa: PTH113  a Path is five times slower


def find_runs(path: Path) -> list[Path]:
    """The runs in a directory, newest first; the directory itself where it is one.

    Raises:
        RunNotReadable: there is no such directory, or no run in it.
    """
    if is_run(path):
        return [path]
    try:
        check_is_directory(path)
        found = list(_walk(path, MAX_DEPTH, set()))
    except (OSError, ValueError) as error:
        raise RunNotReadable(f"{str(path)!r} cannot be read: {error}") from error
    if not found:
        raise RunNotReadable(
            f"{str(path)!r} holds no run: looked for {', '.join(layout.RUN_MARKER_FILES)} down to {MAX_DEPTH} folders "
            f"deep{text_log_hint(path)}"
        )
    return sorted(found, key=_newest_first)


def text_log_hint(path: Path) -> str:
    """What to add for a folder that holds the text log of a run and nothing else of it."""
    logs = [name for name in layout.TEXT_LOGS if (path / name).is_file()]
    return f"; it holds {' and '.join(logs)}, which alone is no run: read it by hand" if logs else ""


def check_is_directory(path: Path) -> None:
    """Make sure that a path is a folder.

    Raises:
        RunNotReadable: it is not there, or a file.
        OSError, ValueError: it cannot be asked.
    """
    if not path.exists():
        raise RunNotReadable(f"{str(path)!r}: no such file or directory")
    if not path.is_dir():
        raise RunNotReadable(f"{str(path)!r} is a file, not a run directory; name the directory it lies in")


def _walk(folder: Path, depth: int, seen: set[tuple[int, int]]) -> Iterator[Path]:
    """The runs below a folder; each real folder is entered once, so links in a circle end.

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
                continue  # one among others that is closed to us, or gone by now, shows no run; the one asked for is named


def _folders(folder: Path) -> list[tuple[str, tuple[int, int]]]:
    """The folders in a folder by name, each with what tells it from all others."""
    with os.scandir(folder) as children:
        names = [child.name for child in children if child.is_dir() and not child.name.startswith(".")]
    states = {name: _stat(f"{os.fspath(folder)}/{name}") for name in sorted(names)}
    return [(name, (state.st_dev, state.st_ino)) for name, state in states.items() if state is not None]


def _stat(path: str) -> os.stat_result | None:
    """What the disk says of a path; None where nothing is there any more."""
    try:
        return os.stat(path)  # noqa: PTH116  as a Path it takes five times as long
    except FileNotFoundError:
        return None


def _newest_first(run: Path) -> tuple[float, str]:
    named = layout.parse_start_ms(run.name)
    return (-(named / 1000 if named is not None else _modified(run)), run.name)


def _modified(run: Path) -> float:
    """When the first of the files was written that tell of a run; 0 where it was removed in the meantime."""
    states = (_stat(f"{os.fspath(run)}/{sign}") for sign in layout.RUN_MARKER_FILES)
    return next((state.st_mtime for state in states if state is not None), 0.0)

"""Lists the runs of a folder and the files of the cache with their sizes and ages, and removes them.

A directory is removed only if it has the files and the name of a run (``run_<ms>``, ``compile_<ms>`` or a name that
begins with a time), is below the folder that was named without a symbolic link in between, and is not running.
"""

import errno
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from osiris_inspect.inspector.files.find_runs import NoRunFound, find_runs
from osiris_inspect.inspector.files.run_files import RunFiles
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import RunNotReadable

MIN_QUIET_S: Final = 3600
"""Seconds since the last write after which a finished run is not running, if its log has no lock."""
MIN_UNFINISHED_QUIET_S: Final = 86_400
"""The same for a run without a status: it may wait for a slow step."""
_REMOVED: Final = ".removed-"
"""Prefix of a run that is being removed; a killed removal leaves it behind."""
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


RemoveTree = Callable[[Path], None]
"""Removes a folder with its contents, however deep it is."""


class StoredRun(NamedTuple):
    """A run on disk.

    Attributes:
        root: the folder of runs that was named.
        size: bytes that its files take.
        written: when one of its files was last written, in seconds since 1970.
    """

    root: Path
    path: Path
    size: int
    written: float
    is_running: bool


class CachedFile(NamedTuple):
    """A file of the cache; ``used`` is when it was last written or read, in seconds since 1970."""

    path: Path
    size: int
    used: float


def stored_runs(root: Path, now: float) -> list[StoredRun]:
    """Return the runs of a folder that may be removed, or are running, the last written first.

    Raises:
        RunNotReadable: the folder does not exist, or is itself a run.
    """
    try:
        paths = find_runs(root)
    except NoRunFound:
        return []
    if paths == [root]:
        raise RunNotReadable(f"{str(root)!r} is a run; name the folder that contains it")
    real = root.resolve()
    runs = [
        _stored_run(root, path, now)
        for path in paths
        if layout.parse_start_ms(path.name) is not None
        and path.resolve() == real / path.relative_to(root)  # not through a symbolic link
    ]
    return sorted(runs, key=lambda run: -run.written)


def removable_runs(
    runs: Iterable[StoredRun], *, before: float | None, max_bytes: int | None
) -> list[StoredRun]:
    """Return the runs that were last written before a time, and the oldest above a total size, but no running ones.

    ``runs`` are ordered as ``stored_runs`` returns them.
    """
    removable: list[StoredRun] = []
    total = 0
    for run in runs:
        total += run.size
        is_old = before is not None and run.written < before
        is_above = max_bytes is not None and total > max_bytes
        if (is_old or is_above) and not run.is_running:
            removable.append(run)
    return removable


def remove_run(run: StoredRun, now: float, remove_tree: RemoveTree) -> bool:
    """Remove a run; return False if it is running by now.

    Raises:
        OSError: it cannot be removed, or a symbolic link is in its path by now.
    """
    if _is_running(run.path, now):
        return False
    *folders, name = run.path.relative_to(run.root).parts
    parent = os.open(run.root.resolve(), _FOLDER)
    try:
        for folder in folders:
            child = os.open(folder, _FOLDER, dir_fd=parent)
            os.close(parent)
            parent = child
        hidden = f"{_REMOVED}{secrets.token_hex(8)}"
        os.rename(name, hidden, src_dir_fd=parent, dst_dir_fd=parent)
        _remove(Path(f"/proc/self/fd/{parent}/{hidden}"), remove_tree, str(run.path))
    finally:
        os.close(parent)
    return True


def litter(runs: Iterable[StoredRun]) -> list[Path]:
    """Return what killed processes left: reserved disk space of ended runs, and runs that were being removed."""
    runs = list(runs)
    reserves = [run.path / layout.RESERVE for run in runs if not run.is_running]
    found = [path for path in reserves if path.is_file() and not path.is_symlink()]
    for folder in sorted({path for run in runs for path in (run.root, run.path.parent)}):
        found += (path for path in folder.glob(f"{_REMOVED}*") if path.is_dir() and not path.is_symlink())
    return found


def _remove(path: Path, remove_tree: RemoveTree, name: str) -> None:
    remove_tree(path)
    if path.exists():
        raise OSError(errno.EACCES, "a file in it cannot be removed", name)


def remove_litter(paths: Iterable[Path], remove_tree: RemoveTree) -> None:
    """Remove what ``litter`` returned.

    Raises:
        OSError: one of them cannot be removed.
    """
    for path in paths:
        if path.name == layout.RESERVE:
            path.unlink(missing_ok=True)
        else:
            _remove(path, remove_tree, str(path))


def cached_files(cache: Path) -> list[CachedFile]:
    """Return the files of the cache."""
    return [
        CachedFile(path, state.st_blocks * 512, max(state.st_atime, state.st_mtime))
        for path, state in _states(cache)
    ]


def remove_cached_files(cache: Path, files: Iterable[CachedFile]) -> None:
    """Remove files of the cache, and its folders that are empty by then.

    Raises:
        OSError: a file cannot be removed.
    """
    for file in files:
        file.path.unlink(missing_ok=True)
    for folder, _, _ in os.walk(cache, topdown=False):
        with suppress(OSError):  # not empty
            Path(folder).rmdir()


def _stored_run(root: Path, path: Path, now: float) -> StoredRun:
    states = [state for _, state in _states(path)]
    written = max((state.st_mtime for state in states), default=path.lstat().st_mtime)
    size = sum(state.st_blocks * 512 for state in states)
    return StoredRun(root, path, size, written, _is_running(path, now))


def _is_running(path: Path, now: float) -> bool:
    disk = RunFiles(path)
    if disk.is_locked(layout.EVENTS):
        return True
    written = max((state.st_mtime for _, state in _states(path)), default=0.0)
    quiet = MIN_QUIET_S if disk.exists(layout.STATUS) else MIN_UNFINISHED_QUIET_S
    return now - written < quiet


def _states(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield the files below a folder and their states; symbolic links are not followed."""
    pending = [folder]
    while pending:  # a walk that recurses fails in deep folders
        # OSError: closed to this user, or removed meanwhile
        with suppress(OSError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(Path(entry.path))
                else:
                    yield Path(entry.path), entry.stat(follow_symlinks=False)

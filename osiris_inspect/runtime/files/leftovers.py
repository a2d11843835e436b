"""Temporary files of processes that were killed. A file that is being written holds a lock, which dies with its writer."""

import fcntl
import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_PART: Final = re.compile(r"\..{1,40}\.[0-9a-f]{16}\.part")
"""Names of ``temporary_name``."""
_OF_A_RUN: Final = re.compile(
    rf"{_PART.pattern}|(?:\w{{1,80}}\.parquet|schema\.json)\.tmp|duckdb_temp_.{{1,200}}\.tmp"
)
"""Names of temporary files that this package and DuckDB write into a run directory."""
_MAX_ATTEMPTS: Final = 10


@contextmanager
def locked_part(path: Path, mode: int) -> Iterator[None]:
    """Create a file and hold a lock on it inside the block, so that no other process takes it for a leftover.

    Raises:
        OSError: the file exists or cannot be created.
    """
    descriptor = _create_locked(path, mode)
    try:
        yield
    finally:
        os.close(descriptor)


def _create_locked(path: Path, mode: int) -> int:
    """Return a descriptor of a new locked file; try again if it is removed before it is locked."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    for _ in range(_MAX_ATTEMPTS):
        descriptor = os.open(path, flags, mode)
        with suppress(OSError):  # a file system without locks: nothing there is taken for a leftover
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.exists():
            return descriptor
        os.close(descriptor)
    raise FileNotFoundError(f"cannot create {str(path)!r}: it is removed at once")


def remove_stale_parts(targets: Iterable[Path]) -> list[Path]:
    """Remove the temporary files beside output files whose writers have died; return them."""
    removed = []
    for folder in sorted({target.parent for target in targets}):
        with suppress(OSError), os.scandir(folder) as entries:  # the folder was not created
            paths = [Path(entry.path) for entry in entries if _PART.fullmatch(entry.name)]
            removed += [path for path in sorted(paths) if _is_removed(path)]
    return removed


def remove_temporary_files(directory: int) -> list[str]:
    """Remove the temporary files of a run whose worker has ended; return their paths.

    ``directory`` is a descriptor of its directory. Symbolic links are not followed.
    """
    removed = []
    for folder, _, names, descriptor in os.fwalk(".", dir_fd=directory, follow_symlinks=False):
        for name in names:
            if _OF_A_RUN.fullmatch(name):
                with suppress(OSError):  # of another user, or on a read-only file system
                    os.unlink(name, dir_fd=descriptor)
                    removed.append(os.path.normpath(f"{folder}/{name}"))
    return sorted(removed)


def _is_removed(path: Path) -> bool:
    """Remove a file of this user that no process has locked; return False if it stays."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            return False
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    except OSError:  # another process writes it, or the file system has no locks
        return False
    finally:
        os.close(descriptor)
    return True

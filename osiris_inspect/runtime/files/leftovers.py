"""Removal of the temporary files of processes that were killed: those that no process has locked."""

import fcntl
import os
import re
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from osiris_inspect.model import run_layout as layout
from osiris_inspect.runtime.files.temporary_file import TEMPORARY_NAME

_MAX_CHECKED_RUNS: Final = 100
_OF_A_RUN: Final = re.compile(
    rf"{TEMPORARY_NAME.pattern}|(?:\w{{1,80}}\.parquet|schema\.json)\.tmp|duckdb_temp_.{{1,200}}\.tmp"
)
"""Names of temporary files that this package and DuckDB write into a run directory."""
_MAX_DEPTH: Final = 6
"""Levels of folders below a run directory in which they can be; a driver can nest folders without end."""


def remove_stale_parts(targets: Iterable[Path]) -> list[Path]:
    """Remove the temporary files beside output files whose writers have died; return them."""
    removed = []
    for folder in sorted({target.parent for target in targets}):
        with suppress(OSError), os.scandir(folder) as entries:  # the folder was not created
            paths = [Path(entry.path) for entry in entries if TEMPORARY_NAME.fullmatch(entry.name)]
            removed += [path for path in sorted(paths) if _is_removed(path)]
    return removed


def remove_stale_reserves(logs: Path) -> None:
    """Remove the reserved disk space of killed runs: of the newest runs of a folder whose log no process has locked."""
    with suppress(OSError):  # the next run tries again
        names = sorted((path.name for path in logs.iterdir() if path.name.startswith("run_")), reverse=True)
        for name in names[:_MAX_CHECKED_RUNS]:
            reserve = logs / name / layout.RESERVE
            if reserve.is_symlink() or not reserve.is_file():
                continue
            log = os.open(
                logs / name / layout.EVENTS, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
            )
            try:
                with suppress(BlockingIOError):  # running
                    fcntl.flock(log, fcntl.LOCK_SH | fcntl.LOCK_NB)
                    reserve.unlink(missing_ok=True)
            finally:
                os.close(log)


def remove_temporary_files(directory: int) -> list[str]:
    """Remove the temporary files of a run whose worker has ended; return their paths.

    ``directory`` is a descriptor of its directory. Symbolic links are not followed.
    """
    removed = []
    for folder, inner, names, descriptor in os.fwalk(".", dir_fd=directory, follow_symlinks=False):
        if folder.count("/") >= _MAX_DEPTH:
            inner.clear()
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

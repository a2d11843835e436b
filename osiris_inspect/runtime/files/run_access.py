"""Modes of run directories: readable by their user only, or also by the user's group."""

import os
import stat
from typing import Final, NamedTuple


class RunAccess(NamedTuple):
    """Modes of the folders and the files of a run, whatever the umask is."""

    folder: int
    file: int


_MAX_DEPTH: Final = 50
"""Depth of folders below which modes stay; the folders above them are closed."""
PRIVATE: Final = RunAccess(0o700, 0o600)
GROUP: Final = RunAccess(0o750, 0o640)


def apply_access(directory: int, access: RunAccess) -> None:
    """Give every folder and file below an open directory its mode; drivers wrote some of them.

    Symbolic links are not followed, and a file that has another name, perhaps outside of the run, stays as it is.
    """
    for path, folders, files, descriptor in os.fwalk(".", dir_fd=directory, follow_symlinks=False):
        for name in (*folders, *files):
            _apply(name, descriptor, access)
        if path.count("/") >= _MAX_DEPTH:
            folders.clear()


def _apply(name: str, folder: int, access: RunAccess) -> None:
    try:
        descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        return
    try:
        status = os.fstat(descriptor)
        mode = _mode(status, access)
        if mode is not None and mode != stat.S_IMODE(status.st_mode) and status.st_uid == os.geteuid():
            os.chmod(f"/proc/self/fd/{descriptor}", mode)  # noqa: PTH101  of the file that is open
    finally:
        os.close(descriptor)


def _mode(status: os.stat_result, access: RunAccess) -> int | None:
    if stat.S_ISDIR(status.st_mode):
        return access.folder
    return access.file if stat.S_ISREG(status.st_mode) and status.st_nlink == 1 else None

"""Removal of a folder that other code wrote: however deep it is nested, and also where it was closed to its owner."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_LEVELS: Final = 100_000
"""Levels of nesting that are removed, so that a process which still creates folders cannot hold up the removal."""


class _Level(NamedTuple):
    """Folder on the way to the one that is being removed.

    Attributes:
        status: identifies the folder.
        pending: names of the folders in it that are still to be removed.
    """

    name: str
    status: os.stat_result
    pending: list[str]


def remove_tree(path: Path) -> None:
    """Remove a folder with its contents. Symbolic links are not followed, and what cannot be removed stays.

    ``shutil.rmtree`` needs a stack frame and a descriptor for each level, so a deep folder ends it.
    """
    with suppress(OSError):
        _remove_contents(os.open(path, _FOLDER))
        path.rmdir()


def _remove_contents(folder: int) -> None:
    """Remove what is in an open folder, and close it."""
    levels = [_Level("", os.fstat(folder), _remove_files(folder))]
    try:
        while levels:
            if levels[-1].pending:
                name = levels[-1].pending.pop()
                with suppress(OSError):
                    inner = _open_for_removal(name, folder)
                    os.close(folder)
                    folder = inner
                    pending = _remove_files(folder) if len(levels) < _MAX_LEVELS else []
                    levels.append(_Level(name, os.fstat(folder), pending))
                continue
            name = levels.pop().name
            if levels:
                above = os.open("..", _FOLDER, dir_fd=folder)
                os.close(folder)
                folder = above
                if not os.path.samestat(os.fstat(folder), levels[-1].status):
                    return  # another process moved the folder meanwhile
                with suppress(OSError):
                    os.rmdir(name, dir_fd=folder)
    finally:
        os.close(folder)


def _remove_files(folder: int) -> list[str]:
    """Remove the files of an open folder; return the names of the folders in it."""
    folders = []
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in list(entries):
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            else:
                with suppress(OSError):
                    os.unlink(entry.name, dir_fd=folder)
    return folders


def _open_for_removal(name: str, parent: int) -> int:
    """Give the owner all rights on a folder, and open it."""
    descriptor = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) & stat.S_IRWXU != stat.S_IRWXU:
            with suppress(OSError):
                Path(f"/proc/self/fd/{descriptor}").chmod(stat.S_IRWXU)
        return os.open(".", _FOLDER, dir_fd=descriptor)
    finally:
        os.close(descriptor)

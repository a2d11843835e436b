"""Writes below a folder that follow no symbolic link and stay inside the folder."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from osiris_inspect.runtime.files.atomic_replace import copy_metadata
from osiris_inspect.runtime.files.temporary_file import replacement

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def opened_folder(path: str | os.PathLike[str]) -> Iterator[int]:
    """Yield the descriptor of a folder.

    Raises:
        OSError: the folder cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def replace_beneath(root: int, relative: str) -> Iterator[int]:
    """Yield the descriptor of a new file that replaces ``relative``, synced, if the block succeeds.

    Missing folders are created. A replaced file keeps its mode and, if the user may change it, its owner; a
    new file gets the umask's mode. Keeps the old file if the block fails.

    Raises:
        OSError: the write failed, the path leaves ``root`` or has a symbolic link, or the old file is a
            pipe, a device or a folder.
    """
    *folders, name = _parts(relative)
    folder = _open_below(root, folders)
    try:
        old = _regular_or_missing(folder, name)
        mode = 0o666 if old is None else 0o600  # the old file may be private
        with replacement(folder, name, mode) as descriptor:
            yield descriptor
            if old is not None:
                copy_metadata(descriptor, old)
    finally:
        os.close(folder)


def _parts(relative: str) -> list[str]:
    """Return the components of a path below a folder."""
    parts = relative.split("/")
    if not all(parts) or {".", ".."} & set(parts) or "\0" in relative:
        raise OSError(errno.EINVAL, "the path is not below its folder", relative)
    return parts


def _open_below(root: int, parts: list[str]) -> int:
    """Return the descriptor of a folder below ``root``; create missing folders."""
    current = os.dup(root)
    for part in parts:
        parent = current
        try:
            with suppress(FileExistsError):
                os.mkdir(part, dir_fd=parent)
            current = os.open(part, _FOLDER, dir_fd=parent)
        finally:
            os.close(parent)
    return current


def _regular_or_missing(folder: int, name: str) -> os.stat_result | None:
    """Return the status of a regular file; None if there is no file of this name."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(status.st_mode):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", name)
    return status

"""Move of a file from a folder that other code can write to the path that a user named.

Nothing that the other code does to its folder meanwhile leads anywhere else: the file is opened once, and the target
is reached through the descriptor of its folder, which was opened before that code ran.
"""

import errno
import os
import shutil
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from osiris_inspect.runtime.files.atomic_replace import copy_metadata
from osiris_inspect.runtime.files.symlinks import resolved
from osiris_inspect.runtime.files.temporary_file import create_locked, lock, temporary_name

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_SOURCE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Target:
    """Name in an open folder, to which a file can be moved; close it.

    Attributes:
        folder: descriptor of the folder.
        name: name of the file.
        copied: state of the file before ``copy_to``, None without a file; empty before the call.
    """

    folder: int
    name: str
    copied: list[tuple[int, int, int] | None] = field(default_factory=list)

    def is_changed(self) -> bool:
        """Return True if the file is another one than ``copy_to`` copied, or was changed since."""
        return bool(self.copied) and self.copied[-1] != _state(_status(self))

    def close(self) -> None:
        """Close the folder."""
        os.close(self.folder)

    def copy_to(self, folder: int, name: str) -> None:
        """Copy the current file, if there is one, to a new name in another folder.

        Raises:
            OSError: the file cannot be read, or the new one not written.
        """
        self.copied.append(_state(_status(self)))
        with suppress(FileNotFoundError):
            source = os.open(self.name, _SOURCE, dir_fd=self.folder)
            with (
                os.fdopen(source, "rb") as old,
                os.fdopen(os.open(name, _NEW, 0o600, dir_fd=folder), "wb") as new,
            ):
                shutil.copyfileobj(old, new)


def open_target(path: Path) -> Target:
    """Open the folder of ``path``, with symbolic links resolved, after a trial of writing there.

    Raises:
        OSError: the folder does not exist, or a file of this name cannot be created there.
    """
    end = resolved(path)
    if end.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    target = Target(os.open(end.parent, _FOLDER), end.name)
    try:
        trial = temporary_name(end.name)
        os.close(os.open(trial, _NEW, 0o600, dir_fd=target.folder))
        os.unlink(trial, dir_fd=target.folder)
    except BaseException:
        target.close()
        raise
    return target


def move_into_place(folder: int, name: str, target: Target) -> bool:
    """Replace the target with the file ``name`` of an open folder; return False if there is no such file.

    A replaced file keeps its mode and, if the user may change it, its owner; a new file gets the umask's mode.

    Raises:
        OSError: the file is not a regular one, or the move failed; the target is unchanged.
    """
    try:
        source = os.open(name, _SOURCE, dir_fd=folder)
    except FileNotFoundError:
        return False
    try:
        status = os.fstat(source)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "the step made something else than a file")
        _replace(source, status, target)
    finally:
        os.close(source)
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)
    return True


def _replace(source: int, status: os.stat_result, target: Target) -> None:
    temporary = temporary_name(target.name)
    old = _status(target)
    made = create_locked(temporary, 0o666 if old is None else 0o600, target.folder)
    try:
        lock(source)  # it may get the temporary name
        wanted = old or os.fstat(made)
        if status.st_nlink == 1 and _link(source, target.folder, temporary):
            copy_metadata(source, wanted)
            os.fsync(source)
        else:  # another file system, or another name remains with the other code
            with os.fdopen(os.dup(source), "rb") as file, os.fdopen(os.dup(made), "wb") as copy:
                shutil.copyfileobj(file, copy)
            copy_metadata(made, wanted)
            os.fsync(made)
        os.rename(temporary, target.name, src_dir_fd=target.folder, dst_dir_fd=target.folder)
        os.fsync(target.folder)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=target.folder)
        raise
    finally:
        os.close(made)


def _state(status: os.stat_result | None) -> tuple[int, int, int] | None:
    return (status.st_ino, status.st_size, status.st_mtime_ns) if status is not None else None


def _status(target: Target) -> os.stat_result | None:
    try:
        return os.stat(target.name, dir_fd=target.folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _link(source: int, folder: int, name: str) -> bool:
    """Give an open file the existing name of an empty one; return False if it cannot have a name there."""
    other = temporary_name(name)
    try:
        os.link(f"/proc/self/fd/{source}", other, dst_dir_fd=folder, follow_symlinks=True)
    except OSError:
        return False
    os.rename(other, name, src_dir_fd=folder, dst_dir_fd=folder)
    return True

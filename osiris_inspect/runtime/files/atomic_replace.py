"""Atomic replacement of a user's file: keeps symbolic links, mode and owner."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from osiris_inspect.runtime.files.atomic_write import sync_folder
from osiris_inspect.runtime.files.symlinks import resolved
from osiris_inspect.runtime.files.temporary_file import locked_part, temporary_name

_SPECIAL_PATHS: Final = ("/dev", "/proc")


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder that replaces the file, synced, if the block succeeds.

    Keeps the old file if the block fails. A replaced file keeps its mode and, if the user may change it, its
    owner; a new file gets the umask's mode. A pipe or device such as ``/dev/stdout`` is yielded itself.

    Raises:
        OSError: the write failed.
    """
    if is_special(path):
        yield path
        return
    target = resolved(path)
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    old = target.stat() if target.exists() else None
    temporary = target.with_name(temporary_name(target.name))
    mode = 0o666 if old is None else 0o600  # the old file may be private
    with locked_part(temporary, mode):
        try:
            yield temporary
            with temporary.open("rb") as file:
                if old is not None:
                    copy_metadata(file.fileno(), old)
                os.fsync(file.fileno())
            temporary.replace(target)
            sync_folder(target.parent)
        finally:
            temporary.unlink(missing_ok=True)


def is_special(path: Path) -> bool:
    """Return True if ``path`` is a pipe, a device or an open descriptor, which cannot be replaced."""
    # os.path: a path in a folder closed to this user is not special; opening it reports the cause
    return os.path.exists(path) and (not os.path.isfile(path) or _is_in_special_folder(path))  # noqa: PTH110, PTH113  as above


def _is_in_special_folder(path: Path) -> bool:
    folder = resolved(path.parent)
    return str(folder) in _SPECIAL_PATHS or Path("/proc") in folder.parents


def copy_metadata(descriptor: int, old: os.stat_result) -> None:
    """Give an open file the mode of another one, without special bits, and its owner where the user may do that."""
    mode = stat.S_IMODE(old.st_mode) & 0o777
    if not (_chown(descriptor, old.st_uid, old.st_gid) or _chown(descriptor, -1, old.st_gid)):
        mode = mode & 0o707 | (mode & 0o007) << 3  # a different group gets the rights of others
    with suppress(PermissionError):  # the user owns the file: only a file system without modes refuses
        os.fchmod(descriptor, mode)


def _chown(descriptor: int, user: int, group: int) -> bool:
    """Change the owner; return False if the user may not, or if a sandbox does not know the owner."""
    current = os.fstat(descriptor)
    if user in (-1, current.st_uid) and group == current.st_gid:
        return True
    try:
        os.fchown(descriptor, user, group)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EINVAL):
            raise
        return False
    return True

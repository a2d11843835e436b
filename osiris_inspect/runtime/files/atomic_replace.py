"""A file that is replaced: whole or not at all, where its symbolic links lead, with the mode and owner it had."""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from osiris_inspect.runtime.files.atomic_write import sync_folder
from osiris_inspect.runtime.files.symlinks import resolved

_SHOWN: Final = 40
"""Letters of a file's name in that of its temporary one: a name that is as long as names can be has no room for more."""
_SPECIAL_PATHS: Final = ("/dev", "/proc")


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """A temporary path beside the file; what is written there becomes the file when the block ends well, synced.

    The old file stands until then, and after a failure. A new file gets the mode that the umask leaves it, one that is
    replaced keeps its mode, and its owner where this user may give files away. What is no regular file (a pipe,
    ``/dev/stdout``) is written as it is.

    Raises:
        OSError: the disk refuses.
    """
    if is_special(path):
        yield path
        return
    target = resolved(path)
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    old = _old(target)
    temporary = _created(
        target, 0o666 if old is None else 0o600
    )  # nobody reads meanwhile what the old one hides
    try:
        yield temporary
        _finish(temporary, old)
        temporary.replace(target)
        sync_folder(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def is_special(path: Path) -> bool:
    """Whether something is there that cannot be replaced by a file: a pipe, a device, a name of an open descriptor."""
    # what lies in a folder closed to this user is nothing special here: opening it says what is wrong
    return os.path.exists(path) and (not os.path.isfile(path) or _names_no_file(path))  # noqa: PTH110, PTH113  as said


def _names_no_file(path: Path) -> bool:
    folder = resolved(path.parent)
    return str(folder) in _SPECIAL_PATHS or Path("/proc") in folder.parents


def _old(target: Path) -> os.stat_result | None:
    try:
        return target.stat()
    except FileNotFoundError:
        return None


def _created(target: Path, mode: int) -> Path:
    """A file beside it that nobody else has: a process id would not do, every sandbox counts its own."""
    temporary = target.with_name(f".{target.name[:_SHOWN]}.{secrets.token_hex(8)}.part")
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode))
    return temporary


def _finish(temporary: Path, old: os.stat_result | None) -> None:
    descriptor = os.open(temporary, os.O_RDONLY)
    try:
        if old is not None:
            _copy_metadata(descriptor, old)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copy_metadata(descriptor: int, old: os.stat_result) -> None:
    mode = stat.S_IMODE(old.st_mode) & 0o777
    if not (_chown(descriptor, old.st_uid, old.st_gid) or _chown(descriptor, -1, old.st_gid)):
        mode = mode & 0o707 | (mode & 0o007) << 3  # another group gets what everybody has
    with suppress(PermissionError):  # it is ours: only a file system without modes refuses that
        os.fchmod(descriptor, mode)


def _chown(descriptor: int, user: int, group: int) -> bool:
    """Whether the file belongs to them now; a user may not give it to everybody, nor to those a sandbox does not know."""
    there = os.fstat(descriptor)
    if user in (-1, there.st_uid) and group == there.st_gid:
        return True
    try:
        os.fchown(descriptor, user, group)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EINVAL):
            raise
        return False
    return True

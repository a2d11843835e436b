"""Temporary files that replace another file. A file that is being written holds a lock, which dies with its writer."""

import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

TEMPORARY_NAME: Final = re.compile(r"\..{1,40}\.[0-9a-f]{16}\.part")
"""Names of ``temporary_name``."""
_MAX_NAME_CHARS: Final = 40
"""Characters of a file's name in its temporary name, so that the longest possible name still fits."""
_MAX_ATTEMPTS: Final = 10


def temporary_name(name: str) -> str:
    """Return a hidden name that no other process guesses, for a file that is renamed to ``name``."""
    return f".{name[:_MAX_NAME_CHARS]}.{secrets.token_hex(8)}.part"


@contextmanager
def locked_part(path: Path, mode: int) -> Iterator[None]:
    """Create a file and hold a lock on it inside the block, so that no other process takes it for a leftover.

    Raises:
        OSError: the file exists or cannot be created.
    """
    descriptor = create_locked(path, mode)
    try:
        yield
    finally:
        os.close(descriptor)


@contextmanager
def replacement(folder: int, name: str, mode: int = 0o666, *, sync: bool = True) -> Iterator[int]:
    """Yield the descriptor of a new file that takes a name in an open folder if the block succeeds.

    With ``sync`` the file and its name survive a power cut; without it only the death of the process.

    Raises:
        OSError: the write failed; the old file, if any, is unchanged.
    """
    temporary = temporary_name(name)
    descriptor = create_locked(temporary, mode, folder)
    try:
        yield descriptor
        if sync:
            os.fsync(descriptor)
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)
        raise
    finally:
        os.close(descriptor)
    if sync:
        os.fsync(folder)


def create_locked(path: str | Path, mode: int, folder: int | None = None) -> int:
    """Return a descriptor of a new locked file; try again if it is removed before it is locked.

    Raises:
        OSError: the file exists or cannot be created.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    for _ in range(_MAX_ATTEMPTS):
        descriptor = os.open(path, flags, mode, dir_fd=folder)
        lock(descriptor)
        with suppress(FileNotFoundError):
            os.stat(path, dir_fd=folder, follow_symlinks=False)
            return descriptor
        os.close(descriptor)
    raise FileNotFoundError(f"cannot create {str(path)!r}: it is removed at once")


def lock(descriptor: int) -> None:
    """Lock an open file; on a file system without locks nothing is taken for a leftover."""
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

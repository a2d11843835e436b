"""Atomic write of small files: a reader sees the old file or the new one, never a partial one."""

import os
from pathlib import Path
from typing import Final

from osiris_inspect.runtime.files.temporary_file import temporary_name

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def write_atomic(path: Path, data: bytes, *, sync: bool = True) -> None:
    """Write a private file through a temporary name and a rename; create its folder if it is missing.

    With ``sync`` the file and its name survive a power cut; without it only the death of the process.

    Raises:
        OSError: the write failed; the old file, if any, is unchanged.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(temporary_name(path.name))
    try:
        with open(os.open(temporary, _NEW, 0o600), "wb") as file:  # noqa: PTH123  no Path takes a mode
            file.write(data)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if sync:
        sync_folder(path.parent)


def sync_folder(folder: str | Path) -> None:
    """Flush the names in ``folder`` to disk.

    Raises:
        OSError: the disk reported an error.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

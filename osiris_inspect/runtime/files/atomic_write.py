"""Small files, read and written at once: some whole or not at all, as nobody may see a half of them."""

import os
from pathlib import Path


def write_atomic(path: Path, data: bytes, *, sync: bool = True) -> None:
    """Write a file that is there whole or not at all: temporary name, sync, rename, sync of the folder.

    Not ``synced`` it survives the death of every process, and not that of the machine.

    Raises:
        OSError: the disk refuses; the old file, if any, stands as before.
    """
    folder, name = os.path.split(path)  # text, not paths: this is done for each step
    temporary = f"{folder}/.{name}.{os.getpid()}.part"
    descriptor = _created(temporary, folder)
    try:
        try:
            _write_all(descriptor, data)
            if sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, path)  # noqa: PTH105  text, as above
    except BaseException:
        Path(temporary).unlink()
        raise
    if sync:
        sync_folder(path.parent)


def write_plain(path: str, data: bytes) -> None:
    """Write a small file under its name at once: no reader needs it whole, and a second name costs as much as the file.

    Raises:
        OSError: the disk refuses; nothing of it stays.
    """
    descriptor = _created(path, path.rpartition("/")[0])
    try:
        _write_all(descriptor, data)
    except BaseException:
        Path(path).unlink()
        raise
    finally:
        os.close(descriptor)


def read_bytes(path: str) -> bytes:
    """The bytes of a small file, without what a file object asks of the system."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = []
        while part := os.read(descriptor, 1 << 16):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def _created(name: str, folder: str) -> int:
    """A new file, open for writing; its folder is made where it is missing."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    try:
        return os.open(name, flags, 0o666)
    except FileNotFoundError:
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103  text, as above
        return os.open(name, flags, 0o666)


def _write_all(descriptor: int, data: bytes) -> None:
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, data[written:])


def sync_folder(folder: str | Path) -> None:
    """Wait until the disk has the names in ``folder``.

    Raises:
        OSError: the disk refuses.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

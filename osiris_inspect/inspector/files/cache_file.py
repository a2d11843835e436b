"""Files of the cache, which are replaced atomically and read only if no other user can have written them."""

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from osiris_inspect.base.safe_open import open_regular

_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def path_for(folder: Path, descriptor: int, suffix: str) -> Path:
    """Return the path of the cache file of an open file, named after its device and inode."""
    state = os.fstat(descriptor)
    return folder / f"{state.st_dev:x}-{state.st_ino:x}{suffix}"


def open_trusted(path: Path) -> int:
    """Return a descriptor for reading a cache file; the caller closes it.

    Raises:
        OSError: it cannot be opened, or another user owns or can write the file or its folder.
    """
    descriptor = open_regular(path)
    try:
        if not (_is_trusted(os.fstat(descriptor)) and _is_trusted(path.parent.lstat())):
            raise PermissionError(f"another user can write {str(path)!r}")
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def read(path: Path) -> bytes:
    """Return the content of a cache file.

    Raises:
        OSError: as ``open_trusted``.
    """
    with os.fdopen(open_trusted(path), "rb") as stream:
        return stream.read()


def replace(path: Path, content: Iterable[bytes | memoryview]) -> None:
    """Write a file so that other processes, also after a power cut, read the old content or the new one.

    Raises:
        OSError: it cannot be written, or its folder belongs to another user; the old file is unchanged.
    """
    new = NewFile(path)
    try:
        new.stream.writelines(content)
        new.commit()
    finally:
        new.discard()


class NewFile:
    """A file that is written and then replaces a cache file; readable only by the user.

    Attributes:
        stream: its content, open for writing.
    """

    def __init__(self, path: Path) -> None:
        """Create it beside the cache file.

        Raises:
            OSError: it cannot be created, or its folder belongs to another user.
        """
        import tempfile  # only here, since most commands only read

        create_private_folder(path.parent)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
        self.stream = os.fdopen(descriptor, "wb")
        self._path, self._temporary = path, Path(name)

    def commit(self) -> None:
        """Replace the cache file.

        Raises:
            OSError: the disk is full.
        """
        self.stream.flush()
        os.fsync(self.stream.fileno())
        self.stream.close()
        self._temporary.replace(self._path)

    def discard(self) -> None:
        """Remove the file unless it has replaced the cache file."""
        with suppress(OSError):  # the rest of a buffer that does not fit the disk
            self.stream.close()
        self._temporary.unlink(missing_ok=True)


def evict(folder: Path, suffix: str, max_bytes: int, *, kept: Path | None = None) -> list[Path]:
    """Delete the least recently used files with a suffix, except ``kept``, until all of them have at most ``max_bytes``.

    Return the deleted files.

    Raises:
        OSError: a file cannot be deleted.
    """
    files = [(path, path.stat()) for path in folder.glob(f"*{suffix}")]
    total = sum(state.st_size for _, state in files)
    deleted = []
    for path, state in sorted(files, key=lambda entry: max(entry[1].st_atime, entry[1].st_mtime)):
        if total > max_bytes and path != kept:
            path.unlink(missing_ok=True)
            total -= state.st_size
            deleted.append(path)
    return deleted


def create_private_folder(folder: Path) -> None:
    """Create a folder of the cache, or make the one that exists writable for this user only.

    Raises:
        OSError: it cannot be created, or belongs to another user.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    state = folder.lstat()
    if not _is_trusted(state):
        if state.st_uid != os.geteuid() or not stat.S_ISDIR(state.st_mode):
            raise PermissionError(f"{str(folder)!r} is not a folder of this user")
        folder.chmod(0o700)


def _is_trusted(state: os.stat_result) -> bool:
    """Return True if the user owns a file or a folder, and no other user can write it."""
    is_entry = stat.S_ISREG(state.st_mode) or stat.S_ISDIR(state.st_mode)
    return is_entry and state.st_uid == os.geteuid() and not state.st_mode & _WRITABLE_BY_OTHERS

"""The disk under the frames: free space, files that are hashed while they are written, names that change at once.

Where files lie is said in text, not in paths: of a small frame, making those would take longer than most of what they are for.
"""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

import xxhash

from osiris_inspect.runtime.files.atomic_write import sync_folder

_READ_AT_ONCE = 4 * 1024 * 1024
_WRITTEN_AT_ONCE = 64 * 1024


class HashedFile:
    """A new file to write to: knows its size and hash, and is on the disk once it is synced.

    What comes in small pieces (a Parquet file begins and ends with many) goes to the disk together.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.size = 0
        self.closed = False
        self._abandoned = False
        self._held = bytearray()
        self._hash = xxhash.xxh3_128()
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)

    def write(self, data: bytes | memoryview) -> int:
        """Takes all of ``data``; what is small may wait for more."""
        self.size += len(data)
        if len(data) + len(self._held) < _WRITTEN_AT_ONCE:
            self._held += data
            return len(data)
        self.flush()
        self._write(data)
        return len(data)

    def _write(self, data: bytes | bytearray | memoryview) -> None:
        rest = memoryview(data)
        while rest and not self._abandoned:
            rest = rest[os.write(self._fd, rest) :]
        self._hash.update(data)

    def tell(self) -> int:
        """Where the next byte goes."""
        return self.size

    def flush(self) -> None:
        """Writes what was held back."""
        held, self._held = self._held, bytearray()
        self._write(held)

    def readable(self) -> bool:
        """No."""
        return False

    def writable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """No."""
        return False

    def start_writeback(self) -> None:
        """Has the system begin to bring to the disk what was written, so that a later ``sync`` waits for less.

        What it is asked is to forget the pages, which it cannot before they are written: for small files that nobody reads soon.
        """
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._fd, 0, 0, os.POSIX_FADV_DONTNEED)

    def sync(self) -> None:
        """Waits until the disk has all that was written."""
        os.fsync(self._fd)

    def stat(self) -> os.stat_result:
        """What the system says of it."""
        return os.fstat(self._fd)

    def discard(self) -> None:
        """From now on nothing is written: a writer that still wants to end its file does no harm."""
        self._abandoned = True

    def close(self) -> None:
        """Closes it; what is not synced may be lost."""
        if not self.closed:
            self.closed = True
            os.close(self._fd)

    @property
    def hash(self) -> str:
        """The hash of what was written, 128 bits in hexadecimal."""
        return self._hash.hexdigest()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Filesystem:
    """What spilling asks of a disk. Handed in, so that a full or failing one can be tried."""

    def free_bytes(self, folder: str) -> int:
        """Bytes free where ``folder`` lies, or will lie."""
        try:
            found = os.statvfs(folder)
        except FileNotFoundError:
            return self.free_bytes(str(Path(folder).absolute().parent))
        return found.f_bavail * found.f_frsize

    def create(self, path: str) -> HashedFile:
        """A new, empty file; one of that name is lost."""
        return HashedFile(path)

    def rename(self, old: str, new: str) -> None:
        """Gives a finished file its name; it holds after a power cut once its folder is synced."""
        os.replace(old, new)  # noqa: PTH105 - text, as all here

    def sync_folder(self, folder: str) -> None:
        """Waits until the disk has the names in ``folder``."""
        sync_folder(folder)


def hash_file(path: Path) -> str:
    """The hash of a file, as ``HashedFile`` gives it."""
    found = xxhash.xxh3_128()
    with path.open("rb", buffering=0) as file:
        while block := file.read(_READ_AT_ONCE):
            found.update(block)
    return found.hexdigest()

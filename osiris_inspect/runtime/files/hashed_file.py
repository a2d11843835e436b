"""File system used by the frame store: free space, files that are hashed while written, renames."""

import hashlib
import io
import os
import shutil
from pathlib import Path

import xxhash

from osiris_inspect.runtime.files.atomic_write import sync_folder


class HashedFile(io.FileIO):
    """New file that knows its size and hash. It is on disk after ``sync``.

    Attributes:
        path: the path it was created under.
        size: bytes written so far.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path, "x", opener=lambda name, flags: os.open(name, flags, 0o600))
        self.path = path
        self.size = 0
        self._is_discarded = False
        self._hash = xxhash.xxh3_128()

    def write(self, data: bytes | memoryview) -> int:  # type: ignore[override]  # no other buffers are written
        """Write all of ``data``."""
        remaining = memoryview(data)
        while remaining and not self._is_discarded:
            remaining = remaining[super().write(remaining) :]
        self.size += len(data)
        self._hash.update(data)
        return len(data)

    def tell(self) -> int:
        """Return the offset of the next byte; it also advances after ``discard``."""
        return self.size

    def start_writeback(self) -> None:
        """Ask the kernel to start writing the pages to disk, so that a later ``sync`` is short.

        DONTNEED also drops the pages, which suits small files that are not read soon.
        """
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def sync(self) -> None:
        """Flush the file to disk."""
        os.fsync(self.fileno())

    def stat(self) -> os.stat_result:
        """Return the status of the open file."""
        return os.fstat(self.fileno())

    def discard(self) -> None:
        """Ignore all further writes, such as the footer of a writer that is closed after an error."""
        self._is_discarded = True

    @property
    def hash(self) -> str:
        """XXH3 hash of the bytes written, 128 bits in hexadecimal."""
        return self._hash.hexdigest()


class Filesystem:
    """File system operations of a spill. Tests replace it to simulate a full or failing disk."""

    def free_bytes(self, folder: str) -> int:
        """Return the free bytes at ``folder``, or at its nearest existing parent."""
        try:
            return shutil.disk_usage(folder).free
        except FileNotFoundError:
            return self.free_bytes(str(Path(folder).absolute().parent))

    def create(self, path: str) -> HashedFile:
        """Create an empty file in the place of an existing one, whatever it is a link to."""
        Path(path).unlink(missing_ok=True)
        return HashedFile(path)

    def rename(self, old: str, new: str) -> None:
        """Rename a file; the name survives a power cut only after its folder is synced."""
        Path(old).replace(new)

    def sync_folder(self, folder: str) -> None:
        """Flush the names in ``folder`` to disk."""
        sync_folder(folder)


def hash_file(path: Path) -> str:
    """Return the hash of a file, computed like ``HashedFile.hash``."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, xxhash.xxh3_128).hexdigest()

"""Append-only files of lines that survive the death of the writing process."""

import fcntl
import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from osiris_inspect.model import run_layout as layout
from osiris_inspect.runtime.files.directory_writer import DirectoryWriter

RESERVED_BYTES: Final = 128 * 1024
"""Bytes reserved for the last events, the run card and ``status.json``."""
MIN_SYNC_INTERVAL_S: Final = 0.05
"""Minimum seconds between two syncs of the log."""
_LOCK_ATTEMPTS: Final = 200
_LOCK_PAUSE_S: Final = 0.005


class JsonlFile:
    """File of lines, open for appending until closed.

    A new line is started if the last line of an existing file has no newline.

    Attributes:
        is_locked: True if the file holds an exclusive ``flock`` until it is closed or the process dies. A
            reader that gets a shared lock knows that the writer has ended.
    """

    def __init__(self, file: Path | int, *, locked: bool = False) -> None:
        """Open a file by its path, or take over a descriptor that is open for appending and reading."""
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = file if isinstance(file, int) else os.open(file, flags, 0o600)
        self.is_locked = locked and _lock(self._descriptor)
        size = os.fstat(self._descriptor).st_size
        if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
            os.write(self._descriptor, b"\n")

    def write(self, line: bytes) -> None:
        """Append one line completely or not at all.

        Raises:
            OSError: the write failed; the file is unchanged.
        """
        self.append(line + b"\n")

    def append(self, data: bytes) -> None:
        """Append bytes completely or not at all.

        Raises:
            OSError: the write failed; the file is unchanged.
        """
        written = 0
        try:
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
        except OSError:
            if written:
                os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - written)
            raise

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return os.fstat(self._descriptor).st_size

    def read(self, start: int, size: int) -> bytes:
        """Return bytes of the file."""
        return os.pread(self._descriptor, size, start)

    def truncate(self, size: int) -> None:
        """Remove the bytes after the first ``size``."""
        os.ftruncate(self._descriptor, size)

    def sync(self) -> None:
        """Flush the file to disk."""
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Close the file; calling it twice is safe."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _lock(descriptor: int) -> bool:
    """Lock a file exclusively; return False without support for locks or after one second.

    Readers hold the shared lock only for a moment, to test whether the writer is alive.
    """
    for _ in range(_LOCK_ATTEMPTS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_LOCK_PAUSE_S)
        except OSError:
            return False
        else:
            return True
    return False


class ReservedSpace:
    """Disk space reserved for the end of a run, so that the result can be written when the disk is full."""

    def __init__(self, directory: DirectoryWriter) -> None:
        self._directory = directory
        descriptor = directory.create(layout.RESERVE)
        try:
            os.posix_fallocate(descriptor, 0, RESERVED_BYTES)
        finally:
            os.close(descriptor)

    def release(self) -> None:
        """Release the space; calling it twice is safe."""
        self._directory.remove(layout.RESERVE)


class BackgroundSync:
    """Thread that syncs files on request, at most once every ``MIN_SYNC_INTERVAL_S``.

    Written lines survive the death of the process without it; the sync protects against a power cut.
    """

    def __init__(self, *files: JsonlFile) -> None:
        self._files = files
        self._requested = threading.Event()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-sync", daemon=True)
        self._thread.start()

    def request(self) -> None:
        """Request a sync without waiting for it."""
        self._requested.set()

    def close(self) -> None:
        """Sync a last time and end the thread; calling it twice is safe."""
        self._closed.set()
        self._requested.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closed.is_set():
            self._requested.wait()
            self._closed.wait(MIN_SYNC_INTERVAL_S)
            self._requested.clear()
            for file in self._files:
                # a disk that cannot sync also fails the next write, which reports it
                with suppress(OSError):
                    file.sync()

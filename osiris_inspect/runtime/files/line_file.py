"""Append-only files of lines that survive the death of their writer."""

import fcntl
import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

RESERVED_BYTES: Final = 128 * 1024
"""Bytes kept for the last events, the run card and the verdict."""


MIN_SYNC_INTERVAL_S: Final = 0.05
"""Seconds between two syncs of the log at least."""


_LOCK_TRIES: Final = 200


_LOCK_PAUSE_S: Final = 0.005


class JsonlFile:
    """One file of lines, open for appending until closed.

    ``locked`` it carries an exclusive ``flock`` as long as it is open: the kernel lets go of it when the process dies,
    however it dies. Whoever can have it shared knows that nobody writes any more.
    """

    def __init__(self, path: Path, *, locked: bool = False) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        self.is_locked = locked and _lock(self._descriptor)
        size = os.fstat(self._descriptor).st_size
        if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
            os.write(self._descriptor, b"\n")

    def write(self, line: bytes) -> None:
        """Append one line, whole or not at all.

        Raises:
            OSError: the disk refuses; the file stands as it stood.
        """
        self.append(line + b"\n")

    def append(self, data: bytes) -> None:
        """Append bytes, whole or not at all.

        Raises:
            OSError: the disk refuses; the file stands as it stood.
        """
        written = 0
        try:
            while written < len(data):
                written += os.write(self._descriptor, data[written:] if written else data)
        except OSError:
            if written:
                os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - written)
            raise

    def sync(self) -> None:
        """Wait until the disk has what was written."""
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _lock(descriptor: int) -> bool:
    """Lock a file that others only ever ask about, for a moment each; whether that was possible.

    A file system without locks refuses a reader's question as it refuses this: nobody is told a wrong answer. Somebody
    who would not let go of it cannot keep a run from being made: after a second it goes on without.
    """
    for _ in range(_LOCK_TRIES):
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
    """Room on the disk that is kept for the end of a run: when the disk is full, its verdict still finds a place."""

    def __init__(self, folder: Path, size: int = RESERVED_BYTES) -> None:
        self._path = folder / ".reserve"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, size)
        finally:
            os.close(descriptor)

    def release(self) -> None:
        """Let the room go; a second time does nothing."""
        self._path.unlink(missing_ok=True)


class BackgroundSync:
    """Syncs files in a thread of its own: a step need not wait for the disk, only for its turn to be asked.

    What was written lies with the system at once and survives the death of this process; the sync is for the machine's.
    Steps that end faster than ``LEAST_S`` share one.
    """

    def __init__(self, *files: JsonlFile) -> None:
        self._files = files
        self._asked = threading.Event()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, name="log-sync", daemon=True)
        self._thread.start()

    def request(self) -> None:
        """Sync soon; asked again meanwhile, once more after that."""
        self._asked.set()

    def close(self) -> None:
        """Sync what was asked for, and end; a second time does nothing."""
        self._closed.set()
        self._asked.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._closed.is_set():
            self._asked.wait()
            self._closed.wait(MIN_SYNC_INTERVAL_S)
            self._asked.clear()
            for file in self._files:
                # a disk that cannot sync refuses the next write too, and there it is told
                with suppress(OSError):
                    file.sync()

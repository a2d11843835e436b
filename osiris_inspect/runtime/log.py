"""Append-only files of lines: the events and metrics of a run.

One open descriptor, one write a line: about a microsecond, and nothing is lost when the process dies. A writer that
resumes begins on a new line, so that a torn last line stays one unreadable line.
"""

import fcntl
import os
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from osiris_inspect.model import event as events
from osiris_inspect.model import layout
from osiris_inspect.model import metric as metrics
from osiris_inspect.model.event import Event, Side
from osiris_inspect.model.metric import Metric
from osiris_inspect.model.redact import Redactor

RESERVED: Final = 128 * 1024
"""Bytes kept for the last events, the run card and the verdict."""
LEAST_S: Final = 0.05
"""Seconds between two syncs of the log at least."""
_LOCK_TRIES: Final = 200
_LOCK_PAUSE_S: Final = 0.005


class LineFile:
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


class Reserve:
    """Room on the disk that is kept for the end of a run: when the disk is full, its verdict still finds a place."""

    def __init__(self, folder: Path, size: int = RESERVED) -> None:
        self._path = folder / ".reserve"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, size)
        finally:
            os.close(descriptor)

    def give_back(self) -> None:
        """Let the room go; a second time does nothing."""
        self._path.unlink(missing_ok=True)


class Syncer:
    """Syncs files in a thread of its own: a step need not wait for the disk, only for its turn to be asked.

    What was written lies with the system at once and survives the death of this process; the sync is for the machine's.
    Steps that end faster than ``LEAST_S`` share one.
    """

    def __init__(self, *files: LineFile) -> None:
        self._files = files
        self._asked = threading.Event()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, name="log-sync", daemon=True)
        self._thread.start()

    def ask(self) -> None:
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
            self._closed.wait(LEAST_S)
            self._asked.clear()
            for file in self._files:
                # a disk that cannot sync refuses the next write too, and there it is told
                with suppress(OSError):
                    file.sync()


class Log:
    """The events and metrics of one run: the one writer of both files.

    ``seq`` counts from 0 without a gap; each line is masked before it is written.
    """

    def __init__(self, directory: Path, session: str, redactor: Redactor) -> None:
        self._session = session
        self._redactor = redactor
        self._events = LineFile(directory / layout.EVENTS, locked=True)
        self._metrics = LineFile(directory / layout.METRICS)
        self._reserve = Reserve(directory)
        self._syncer = Syncer(self._events, self._metrics)
        self._seq = 0

    def event(
        self, name: str, ts: float, side: Side, fields: Mapping[str, Any], step: str | None = None
    ) -> Event:
        """Write one event and give it as it was written.

        Raises:
            OSError: the disk refuses; the event is not there and its number is still free.
        """
        event = Event(
            name=name,
            ts=ts,
            step=step,
            fields=self._redactor.value(dict(fields)),
            session=self._session,
            side=side,
            seq=self._seq,
        )
        self._events.write(events.encode(event))
        self._seq += 1
        return event

    def metric(self, metric: Metric) -> None:
        """Write one metric.

        Raises:
            OSError: the disk refuses.
        """
        tags = self._redactor.value(dict(metric.tags))
        self._metrics.write(metrics.encode(replace(metric, name=self._redactor.text(metric.name), tags=tags)))

    @property
    def is_locked(self) -> bool:
        """Whether a lock on the events tells others that this run is still going on."""
        return self._events.is_locked

    @property
    def last_seq(self) -> int:
        """The ``seq`` of the last event, -1 before the first."""
        return self._seq - 1

    def sync_soon(self) -> None:
        """Have the disk take what was written until now, without waiting for it."""
        self._syncer.ask()

    def sync(self) -> None:
        """Wait until the disk has both files."""
        self._events.sync()
        self._metrics.sync()

    def make_room(self) -> None:
        """Give back the reserved room, so that the end of the run can be written on a full disk."""
        self._reserve.give_back()

    def close(self) -> None:
        """Close both files; a second time does nothing."""
        self._reserve.give_back()
        self._syncer.close()
        self._events.close()
        self._metrics.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

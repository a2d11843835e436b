"""Heartbeat events, so that a slow step can be told from a hung one."""

import os
import resource
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any, Final

from osiris_inspect.runtime.worker.event_emitter import EventEmitter

INTERVAL_S: Final = 5.0
_STATM = Path("/proc/self/statm")


class Heartbeat:
    """Thread that emits a ``heartbeat`` event every ``INTERVAL_S`` while the worker is busy.

    Attributes:
        phase: phase of the step: ``resolving``, ``driving`` or ``keeping``; ``preparing`` before the first
            step.
        get_store_size: returns the bytes of frames in memory and on disk; None before there is a store.
    """

    def __init__(self, emitter: EventEmitter, run_dir: Path) -> None:
        self.phase = ""
        self.get_store_size: Callable[[], Any] | None = None
        self._emitter, self._run_dir = emitter, run_dir
        self._step: str | None = None
        self._rows: int | None = None
        self._active_since: float | None = None
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def progress(self, rows: int) -> None:
        """Set the number of rows processed so far."""
        self._rows = rows

    @contextmanager
    def active(self, step: str | None, phase: str) -> Iterator[None]:
        """Emit heartbeats while the block runs."""
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
            thread.start()  # may raise: then there is no thread to join
            self._thread = thread
        self._step, self.phase, self._rows, self._active_since = step, phase, None, monotonic()
        try:
            yield
        finally:
            self._active_since = None

    def stop(self) -> None:
        """End the thread; calling it twice is safe."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(INTERVAL_S):
            since = self._active_since
            if since is None or monotonic() - since < INTERVAL_S:
                continue
            fields = {
                "phase": self.phase,
                "rows": self._rows,
                "rss_bytes": rss_bytes(),
                "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                "disk_free_bytes": shutil.disk_usage(self._run_dir).free,
            }
            # RuntimeError: the store changed while it was counted; the next heartbeat counts again
            with suppress(RuntimeError):
                size = self.get_store_size() if self.get_store_size is not None else None
                if size is not None:
                    fields |= {
                        "frames_memory_bytes": size.memory_bytes,
                        "frames_disk_bytes": size.disk_bytes,
                    }
            self._emitter.emit("heartbeat", fields, self._step)


def rss_bytes() -> int | None:
    """Return the resident memory of this process; None if the system does not report it."""
    try:
        pages = int(_STATM.read_bytes().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")

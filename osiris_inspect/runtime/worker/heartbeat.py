"""Signs of life of a worker that says nothing: what tells a slow step from a hung one."""

import os
import resource
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any, Final

from osiris_inspect.runtime.worker.event_emitter import EventEmitter

INTERVAL_S: Final = 5.0
_STATM = Path("/proc/self/statm")


class Heartbeat:
    """Beats while the worker is at something for long: a ``heartbeat`` event every few seconds, from one thread.

    Attributes:
        phase: what a step is at: ``resolving``, ``driving`` or ``keeping``; ``preparing`` before the first one.
        sizes: gives the bytes of frames in memory and on disk; None before there is a store.
    """

    def __init__(self, teller: EventEmitter, session: Path) -> None:
        self.phase = ""
        self.get_store_size: Callable[[], Any] | None = None
        self._teller, self._session = teller, session
        self._step: str | None = None
        self._rows: int | None = None
        self._active_since: float | None = None
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def progress(self, rows: int) -> None:
        """Say how many rows are done so far."""
        self._rows = rows

    @contextmanager
    def active(self, step: str | None, phase: str) -> Iterator[None]:
        """While inside, what takes long shows signs of life."""
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
            thread.start()  # may fail where memory is short: then there is none to join
            self._thread = thread
        self._step, self.phase, self._rows, self._active_since = step, phase, None, monotonic()
        try:
            yield
        finally:
            self._active_since = None

    def stop(self) -> None:
        """Beat no more; a second time does nothing."""
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
                "disk_free_bytes": shutil.disk_usage(self._session).free,
            }
            self._teller.emit("heartbeat", fields | self._store_sizes(), self._step)

    def _store_sizes(self) -> dict[str, int]:
        try:
            sizes = self.get_store_size() if self.get_store_size is not None else None
        except RuntimeError:
            return {}  # a frame was just being put; the next beat counts it
        if sizes is None:
            return {}
        return {"frames_memory_bytes": sizes.memory_bytes, "frames_disk_bytes": sizes.disk_bytes}


def rss_bytes() -> int | None:
    """Memory this process holds now; None where the system does not tell."""
    try:
        pages = int(_STATM.read_bytes().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")

"""Heartbeat events, so that a slow step can be told from a hung one."""

import os
import resource
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any, Final

from osiris_inspect.runtime.worker.event_emitter import EventEmitter

MAX_STACK_FRAMES: Final = 30
IDLE_CPU_FRACTION: Final = 0.01
"""A process that uses less of one CPU than this is idle."""
HEARTBEAT_CPU_S: Final = 0.01
"""Most CPU time of a heartbeat itself."""
_STATM = Path("/proc/self/statm")


class Heartbeat:
    """Thread that emits a ``heartbeat`` event every ``interval_s`` while the worker is busy.

    Attributes:
        interval_s: seconds between two heartbeats; set before the first one.
        phase: phase of the step: ``resolving``, ``driving`` or ``keeping``; ``preparing`` before the first
            step.
        get_store_size: returns the bytes of frames in memory and on disk; None before there is a store.
    """

    def __init__(self, emitter: EventEmitter, run_dir: Path) -> None:
        self.interval_s = 5.0
        self.phase = ""
        self.get_store_size: Callable[[], Any] | None = None
        self._emitter, self._run_dir = emitter, run_dir
        self._step: str | None = None
        self._rows: int | None = None
        self._active_since: float | None = None
        self._driver_thread = 0
        self._last_progress: tuple[float, int | None] | None = None
        self._last_stack = ""
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
        self._driver_thread = threading.get_ident()
        self._last_progress, self._last_stack = None, ""
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
        while not self._stopped.wait(self.interval_s):
            since = self._active_since
            if since is None or monotonic() - since < self.interval_s:
                continue
            with suppress(MemoryError):  # the next heartbeat tries again
                self._beat()

    def _beat(self) -> None:
        fields = {
            "phase": self.phase,
            "rows": self._rows,
            "rss_bytes": rss_bytes(),
            "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "disk_free_bytes": _disk_free_bytes(self._run_dir),
            **self._driver_activity(),
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

    def _driver_activity(self) -> dict[str, Any]:
        """Return CPU time and innermost frame of the driver's thread, and its stack if it is idle in a new place.

        ``process_cpu_s`` includes the threads that a library such as DuckDB starts.
        """
        clock = time.pthread_getcpuclockid(self._driver_thread)
        process_cpu_s = time.process_time()
        activity: dict[str, Any] = {"cpu_s": time.clock_gettime(clock), "process_cpu_s": process_cpu_s}
        frame = sys._current_frames().get(self._driver_thread)
        if frame is None:
            return activity
        code = frame.f_code
        activity["frame"] = {"file": code.co_filename, "line": frame.f_lineno, "function": code.co_name}
        before, self._last_progress = self._last_progress, (process_cpu_s, self._rows)
        if (
            before is not None
            and is_idle(process_cpu_s - before[0], self.interval_s)
            and before[1] == self._rows
        ):
            stack = "".join(traceback.format_stack(frame, MAX_STACK_FRAMES))
            if stack != self._last_stack:
                activity["stack"] = self._last_stack = stack
        return activity


def is_idle(cpu_s: float, seconds: float) -> bool:
    """Return True if a process that used ``cpu_s`` in this time does nothing but wait."""
    return cpu_s < IDLE_CPU_FRACTION * seconds + HEARTBEAT_CPU_S


def _disk_free_bytes(folder: Path) -> int | None:
    """Return the free bytes of the disk of a folder; None if the system does not report them."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def rss_bytes() -> int | None:
    """Return the resident memory of this process; None if the system does not report it."""
    try:
        pages = int(_STATM.read_bytes().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")

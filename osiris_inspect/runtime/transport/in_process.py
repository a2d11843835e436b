"""The worker in the host's own process, in a thread. Each message still passes through bytes.

So a frame cannot leak through, and what does not serialise fails here as it fails far away. Descriptors 0 and 1 are
guarded as they are in a process of its own: nothing listens to the host's stdin, nothing prints on its stdout.
"""

import ctypes
import os
import queue
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import WorkerLost
from osiris_inspect.model.run_types import RunMode
from osiris_inspect.runtime.protocol.cancellation import CancelToken
from osiris_inspect.runtime.protocol.environment import WorkerContext
from osiris_inspect.runtime.transport.transport import LaunchSpec, RemoteFile
from osiris_inspect.runtime.worker.worker_log import WorkerLog

_END: Final = None
_STOP_TIMEOUT_S: Final = 2.0


class InProcess:
    """A worker thread and two queues of lines."""

    mode: RunMode = "local"
    isolation_level = "none"
    is_remote = False

    def __init__(self, environment: Mapping[str, str], clock: Callable[[], float]) -> None:
        self.details: Mapping[str, Any] = {}
        self._variables, self._clock = tuple(sorted(environment)), clock
        self._commands: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._replies: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._log: WorkerLog | None = None
        self._kept: _RedirectedStdio | None = None
        self._left = False
        self._said: deque[bytes] = deque()  # what it says while it is ended is of no account
        self._stop = CancelToken()

    def start(self, launch: LaunchSpec) -> str:
        """Start the thread. What drivers print goes to the worker's log, as it does elsewhere."""
        self._log = WorkerLog(launch.run_dir / layout.WORKER_LOG, launch.secrets)
        self._kept = _RedirectedStdio(self._log.descriptor())
        here = WorkerContext(launch.run_dir, self.isolation_level, self._clock, self._variables, self._stop)
        self._thread = threading.Thread(target=self._run_worker, args=(here,), name="worker", daemon=True)
        self._thread.start()
        return str(launch.base)

    def send(self, line: bytes) -> None:
        """Hand over one command."""
        if self._left:
            raise WorkerLost("it was left")
        self._commands.put(line)

    def receive(self, timeout: float | None) -> bytes | None:
        """The next line."""
        if self._said:
            return self._said.popleft()
        if self._left:
            raise WorkerLost("it was left")
        try:
            lines = self._replies.get(timeout=timeout)
        except queue.Empty:
            return None
        if lines is _END:
            self._left = True
            raise WorkerLost("its thread ended")
        self._said.extend(_split(lines))
        return self._said.popleft()

    def kill(self) -> None:
        """Ask the thread to stop. One that does not is left behind; it dies with the process."""
        self._commands.put(_END)
        while not self._left and not self._replies.empty():
            lines = self._replies.get()
            self._said.extend(_split(lines) if lines is not _END else [])
        thread = self._thread
        if thread is not None and thread.ident is not None and not self._left:
            self._stop.cancel()
            # what no driver interrupts, Python does between two of its own instructions
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)
            )
            thread.join(_STOP_TIMEOUT_S)
        self._left = True

    def list_remote_files(self) -> list[RemoteFile]:
        """None: it writes into the run directory itself."""
        return []

    def fetch(self, file: RemoteFile, to: Path) -> None:
        """Nothing is far, so nothing can be fetched."""
        raise AssertionError(file, to)

    def close(self) -> None:
        """Let the thread end, unless it was left."""
        self._commands.put(_END)
        if self._thread is not None and not self._left:
            self._thread.join()
        self._left = True
        if self._kept is not None:
            self._kept.restore()
        if self._log is not None:
            self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run_worker(self, here: WorkerContext) -> None:
        from osiris_inspect.runtime.worker.command_loop import serve

        try:
            serve(self._chunks(), self._replies.put, here)
        except BaseException as error:  # noqa: BLE001  a fault of the loop itself must reach the host, not only the thread
            sys.stderr.write(f"worker thread: {type(error).__name__}: {error}\n")
        finally:
            self._replies.put(_END)

    def _chunks(self) -> Iterator[bytes]:
        while (line := self._commands.get()) is not _END:
            yield line


def _split(lines: bytes) -> list[bytes]:
    return lines.split(b"\n")[:-1]


class _RedirectedStdio:
    """Descriptors 0 and 1 and ``sys.stdout`` of this process, lent to a worker: nothing to read, ``out`` to print to.

    A worker that would not stop and was left behind does not keep them.
    """

    def __init__(self, out: int) -> None:
        sys.stdout.flush()
        self._stdout = sys.stdout
        self._printed = os.fdopen(os.dup(out), "w", buffering=1, encoding="utf-8", errors="backslashreplace")
        sys.stdout = self._printed
        self._kept = {number: _copy(number) for number in (0, 1)}
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(out, 1)

    def restore(self) -> None:
        """Put them back; a second time does nothing."""
        if sys.stdout is self._printed:
            sys.stdout = self._stdout
        self._printed.close()
        while self._kept:
            number, kept = self._kept.popitem()
            if kept is None:
                os.close(number)
            else:
                os.dup2(kept, number)
                os.close(kept)


def _copy(number: int) -> int | None:
    try:
        return os.dup(number)
    except OSError:
        return None  # started without it

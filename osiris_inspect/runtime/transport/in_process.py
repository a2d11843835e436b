"""The worker in the host's own process, in a thread. Each message still passes through bytes.

So a frame cannot leak through, and what does not serialise fails here as it fails far away.
"""

import ctypes
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from osiris_inspect.model import layout
from osiris_inspect.model.errors import WorkerLost
from osiris_inspect.runtime.stop import Stop
from osiris_inspect.runtime.surroundings import Surroundings
from osiris_inspect.runtime.transport import Mode

_END: Final = None
_PATIENCE_S: Final = 2.0


class InProcess:
    """A worker thread and two queues of lines."""

    mode: Mode = "local"
    isolation = "none"

    def __init__(self, environment: Mapping[str, str], clock: Callable[[], float]) -> None:
        self._variables, self._clock = tuple(sorted(environment)), clock
        self._commands: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._replies: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._left = False
        self._stop = Stop()

    def start(self, session: Path, base: Path) -> None:
        """Start the thread. What drivers print goes to the worker's log, as it does elsewhere."""
        del base
        self._thread = threading.Thread(target=self._work, args=(session,), name="worker", daemon=True)
        self._thread.start()

    def send(self, line: bytes) -> None:
        """Hand over one command."""
        if self._left:
            raise WorkerLost("it was left")
        self._commands.put(line)

    def receive(self, timeout: float | None) -> bytes | None:
        """The next line."""
        if self._left:
            raise WorkerLost("it was left")
        try:
            line = self._replies.get(timeout=timeout)
        except queue.Empty:
            return None
        if line is _END:
            self._left = True
            raise WorkerLost("its thread ended")
        return line

    def kill(self) -> None:
        """Ask the thread to stop. One that does not is left behind; it dies with the process."""
        self._commands.put(_END)
        thread = self._thread
        if thread is not None and thread.ident is not None and not self._left:
            self._stop.ask()
            # what no driver interrupts, Python does between two of its own instructions
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)
            )
            thread.join(_PATIENCE_S)
        self._left = True

    def close(self) -> None:
        """Let the thread end, unless it was left."""
        self._commands.put(_END)
        if self._thread is not None and not self._left:
            self._thread.join()
        self._left = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _work(self, session: Path) -> None:
        from osiris_inspect.runtime.serving import serve

        here = Surroundings(session, self.isolation, self._clock, self._variables, self._stop)
        try:
            with (session / layout.WORKER_LOG).open("a", encoding="utf-8") as log, redirect_stdout(log):
                serve(self._chunks(), self._replies.put, here)
        except Exception as error:  # noqa: BLE001  a fault of the loop itself must reach the host, not only the thread
            sys.stderr.write(f"worker thread: {type(error).__name__}: {error}\n")
        finally:
            self._replies.put(_END)

    def _chunks(self) -> Iterator[bytes]:
        while (line := self._commands.get()) is not _END:
            yield line

"""Transport to a worker in a thread of this process. Messages are still encoded as bytes.

So a frame cannot be passed by reference, and values that cannot be serialized fail here as with a remote
worker. Descriptors 0 and 1 are redirected as in a child process: a driver cannot read stdin or print to
stdout. What it prints to ``sys.stderr`` is copied to the log.
"""

import ctypes
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TextIO

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import WorkerLost
from osiris_inspect.model.run_types import RunMode
from osiris_inspect.runtime.protocol.cancellation import CancelToken
from osiris_inspect.runtime.protocol.environment import WorkerContext
from osiris_inspect.runtime.transport.transport import LaunchSpec, Transport
from osiris_inspect.runtime.worker.worker_log import WorkerLog

_END: Final = None
_STOP_TIMEOUT_S: Final = 2.0
_STOP_ATTEMPTS: Final = 4

Queue = queue.SimpleQueue[bytes | None]


class InProcess(Transport):
    """Worker thread and two queues of lines."""

    mode: RunMode = "local"
    isolation_level = "none"

    def __init__(self, environment: Mapping[str, str], clock: Callable[[], float]) -> None:
        self.details: Mapping[str, Any] = {}
        self._env_names, self._clock = tuple(sorted(environment)), clock
        self._commands: Queue = queue.SimpleQueue()
        self._lines: Queue = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._log: WorkerLog | None = None
        self._stdio: _RedirectedStdio | None = None
        self._end_reason: str | None = None
        self._thread_error: str | None = None
        self._cancel = CancelToken()

    def start(self, launch: LaunchSpec) -> str:
        """Start the thread. Output of drivers goes to the worker's log."""
        self._log = WorkerLog(launch.run_dir / layout.WORKER_LOG, launch.secrets, launch.by_place)
        self._stdio = _RedirectedStdio(self._log.descriptor())
        context = WorkerContext(
            launch.run_dir,
            self.isolation_level,
            self._clock,
            self._env_names,
            self._cancel,
            nonce=launch.nonce,
        )
        self._thread = threading.Thread(
            target=self._run_worker, args=(context, self._lines), name="worker", daemon=True
        )
        self._thread.start()
        return str(launch.base)

    def send(self, line: bytes) -> None:
        """Send one command."""
        if self._end_reason is not None:
            raise WorkerLost(self._end_reason)  # the worker is a thread: no signal, no exit code
        self._commands.put(line)

    def receive(self, timeout: float | None) -> bytes | None:
        """Return the next line."""
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            return None
        if line is _END:
            self._lines.put(_END)  # for the next call
            self._end_reason = self._end_reason or self._thread_error or "its thread ended"
            raise WorkerLost(self._end_reason)
        return line

    def kill(self) -> None:
        """Cancel the step and stop the thread; a thread that does not stop is abandoned."""
        self._commands.put(_END)
        thread = self._thread
        if self._end_reason is None and thread is not None and thread.ident is not None:
            # lines that the worker sends from now on go to the old queue and are ignored
            lines, self._lines = self._lines, queue.SimpleQueue()
            for _ in range(lines.qsize()):
                self._lines.put(lines.get())
            self._lines.put(_END)
            self._cancel.cancel()
            for _ in range(_STOP_ATTEMPTS):
                # Python raises it between two bytecode instructions; a finalizer that runs there swallows it
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)
                )
                thread.join(_STOP_TIMEOUT_S / _STOP_ATTEMPTS)
                if not thread.is_alive():
                    break
        self._end_reason = self._end_reason or "its thread was stopped"

    def close(self) -> None:
        """Wait for the thread, unless it ended or was killed; restore stdin and stdout."""
        self._commands.put(_END)
        if self._thread is not None and self._end_reason is None:
            self._thread.join()
        self._end_reason = self._end_reason or "it was closed"
        if self._stdio is not None:
            self._stdio.restore()
        if self._log is not None:
            self._log.close()

    def _run_worker(self, context: WorkerContext, lines: Queue) -> None:
        def write(data: bytes) -> None:
            for line in data.split(b"\n")[:-1]:
                lines.put(line)

        try:
            from osiris_inspect.runtime.worker.command_loop import serve

            serve(self._chunks(), write, context)
        except BaseException as error:  # noqa: BLE001  an error of the loop itself must be reported to the proxy
            self._thread_error = f"its thread raised {type(error).__name__}: {error}"
            sys.stderr.write(f"worker: {self._thread_error}\n")
        finally:
            lines.put(_END)

    def _chunks(self) -> Iterator[bytes]:
        while (line := self._commands.get()) is not _END:
            yield line


class _RedirectedStdio:
    """Redirects descriptors 0 and 1 and ``sys.stdout`` of this process until ``restore``.

    Reads return nothing; output goes to the descriptor ``out``. A driver in an abandoned thread loses the
    redirection.
    """

    def __init__(self, out: int) -> None:
        sys.stdout.flush()
        self._stdout = sys.stdout
        self._redirected = os.fdopen(
            os.dup(out), "w", buffering=1, encoding="utf-8", errors="backslashreplace"
        )
        sys.stdout = self._redirected
        self._stderr = sys.stderr
        self._copied = _CopiedStderr(self._stderr, self._redirected)
        if self._stderr is not None:
            sys.stderr = self._copied
        self._saved = {number: _duplicate(number) for number in (0, 1)}
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        os.dup2(out, 1)

    def restore(self) -> None:
        """Undo the redirection; calling it twice is safe."""
        if sys.stdout is self._redirected:
            sys.stdout = self._stdout
        self._copied.stop()
        if sys.stderr is self._copied:
            sys.stderr = self._stderr
        self._redirected.close()
        while self._saved:
            number, saved = self._saved.popitem()
            if saved is None:
                os.close(number)
            else:
                os.dup2(saved, number)
                os.close(saved)


class _CopiedStderr:
    """Stream that copies to a log what threads other than its creator's write; it has the attributes of ``stderr``."""

    def __init__(self, stderr: TextIO, log: TextIO) -> None:
        self._stderr, self._log = stderr, log
        self._host = threading.current_thread()
        self._is_copied = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stderr, name)

    def write(self, text: str) -> int:
        """Write a text to the stream, and to the log."""
        if self._is_copied and threading.current_thread() is not self._host:
            self._log.write(text)
        return self._stderr.write(text)

    def stop(self) -> None:
        """Write to the stream only, for threads that outlive the log."""
        self._is_copied = False


def _duplicate(number: int) -> int | None:
    try:
        return os.dup(number)
    except OSError:
        return None  # the process was started without it

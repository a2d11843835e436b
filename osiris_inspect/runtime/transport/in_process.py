"""Transport to a worker in a thread of this process. Messages are still encoded as bytes.

So a frame cannot be passed by reference, and values that cannot be serialized fail here as with a remote
worker. Descriptors 0 and 1 are redirected as in a child process: a driver cannot read stdin or print to
stdout. What it prints to ``sys.stderr`` and logs goes to the worker's log only, as from a child process.
"""

import ctypes
import logging
import os
import queue
import resource
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
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

    def __init__(
        self, environment: Mapping[str, str], clock: Callable[[], float], *, redirect_stderr: bool = False
    ) -> None:
        """Create a transport; with ``redirect_stderr`` also descriptor 2 goes to the worker's log."""
        self._descriptors = (0, 1, 2) if redirect_stderr else (0, 1)
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
        self._first = self
        self._wake: tuple[int, int] | None = None

    def start(self, launch: LaunchSpec) -> str:
        """Start the thread. Output of drivers goes to the worker's log."""
        if self._first is self:
            self._log = WorkerLog(launch.run_dir / layout.WORKER_LOG, launch.secrets, launch.by_place)
            self._stdio = _RedirectedStdio(self._log.descriptor(), self._descriptors)
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
        if self._wake is not None and self._lines.empty():
            with suppress(BlockingIOError):  # before the queue is read, so no line is missed
                while os.read(self._wake[0], 1 << 16):
                    pass
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            return None
        if line is _END:
            self._lines.put(_END)  # for the next call
            self._end_reason = self._end_reason or self._thread_error or "its thread ended"
            raise WorkerLost(self._end_reason)
        return line

    def sibling(self) -> "InProcess":
        """Return a transport to another thread, whose output goes to the same log."""
        other = InProcess({}, self._clock)
        other._env_names, other._first = self._env_names, self
        return other

    def descriptors(self) -> tuple[int, ...]:
        """Return the end of a pipe that can be read after the worker has sent lines, until the next call."""
        if self._wake is None:
            self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
            if not self._lines.empty():
                self._wake_up()
        return (self._wake[0],)

    def _wake_up(self) -> None:
        if self._wake is not None:
            with suppress(BlockingIOError):  # it is full, so it can be read
                os.write(self._wake[1], b"x")

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
        if self._wake is not None and self._thread is not None and not self._thread.is_alive():
            for descriptor in self._wake:
                os.close(descriptor)
            self._wake = None
        if self._stdio is not None:
            self._stdio.restore()
        if self._log is not None:
            self._log.close()

    def _run_worker(self, context: WorkerContext, lines: Queue) -> None:
        def write(data: bytes) -> None:
            for line in data.split(b"\n")[:-1]:
                lines.put(line)
            self._wake_up()

        try:
            from osiris_inspect.runtime.worker.command_loop import serve

            serve(self._chunks(), write, context)
        except BaseException as error:  # noqa: BLE001  an error of the loop itself must be reported to the proxy
            self._thread_error = f"its thread raised {type(error).__name__}: {error}"
            sys.stderr.write(f"worker: {self._thread_error}\n")
        finally:
            lines.put(_END)
            self._wake_up()

    def _chunks(self) -> Iterator[bytes]:
        while (line := self._commands.get()) is not _END:
            yield line


class _RedirectedStdio:
    """Redirects descriptors, ``sys.stdout``, and ``sys.stderr`` and log records of new threads until ``restore``.

    Reads return nothing; output goes to the descriptor ``out``. A driver in an abandoned thread loses the
    redirection. Core files, which would contain the secrets of the run, are off meanwhile.
    """

    def __init__(self, out: int, descriptors: Iterable[int]) -> None:
        sys.stdout.flush()
        self._stdout = sys.stdout
        self._redirected = os.fdopen(
            os.dup(out), "w", buffering=1, encoding="utf-8", errors="backslashreplace"
        )
        sys.stdout = self._redirected
        self._stderr = sys.stderr
        self._threads = _HostThreads()
        self._divided = _DividedStderr(self._stderr, self._redirected, self._threads)
        if self._stderr is not None:
            sys.stderr = self._divided
        self._handlers = list(_log_handlers())
        for handler in self._handlers:
            handler.addFilter(self._threads)
        self._core_limit = resource.getrlimit(resource.RLIMIT_CORE)
        if self._core_limit[1] != 0:  # 1 also keeps a core from a program that collects them
            resource.setrlimit(resource.RLIMIT_CORE, (1, self._core_limit[1]))
        self._saved = {number: _duplicate(number) for number in descriptors}
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        for number in self._saved.keys() - {0}:
            os.dup2(out, number)

    def restore(self) -> None:
        """Undo the redirection; calling it twice is safe."""
        if sys.stdout is self._redirected:
            sys.stdout = self._stdout
        self._threads.are_all = True
        if sys.stderr is self._divided:
            sys.stderr = self._stderr
        for handler in self._handlers:
            handler.removeFilter(self._threads)
        self._redirected.close()
        while self._saved:
            number, saved = self._saved.popitem()
            if saved is None:
                os.close(number)
            else:
                os.dup2(saved, number)
                os.close(saved)
        resource.setrlimit(resource.RLIMIT_CORE, self._core_limit)


class _HostThreads(logging.Filter):
    """The threads that ran before the worker; the others are its own and those of drivers.

    Attributes:
        are_all: True after the run, when all threads are the host's.
    """

    def __init__(self) -> None:
        super().__init__()
        self._identifiers = frozenset(thread.ident for thread in threading.enumerate())
        self.are_all = False

    def has_current(self) -> bool:
        """Return True if this thread is one of the host."""
        return self.are_all or threading.get_ident() in self._identifiers

    def filter(self, record: logging.LogRecord) -> bool:
        """Return True if a thread of the host logged a record."""
        return self.are_all or record.thread in self._identifiers


class _DividedStderr:
    """Stream with the attributes of ``stderr``; what threads of the worker write goes to the log."""

    def __init__(self, stderr: TextIO, log: TextIO, threads: _HostThreads) -> None:
        self._stderr, self._log, self._threads = stderr, log, threads

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stderr if self._threads.has_current() else self._log, name)

    def write(self, text: str) -> int:
        """Write a text to the stream or to the log."""
        return (self._stderr if self._threads.has_current() else self._log).write(text)


def _log_handlers() -> Iterator[logging.Handler]:
    """Yield the handlers of all loggers."""
    for logger in (logging.getLogger(), *logging.Logger.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            yield from logger.handlers


def _duplicate(number: int) -> int | None:
    try:
        return os.dup(number)
    except OSError:
        return None  # the process was started without it

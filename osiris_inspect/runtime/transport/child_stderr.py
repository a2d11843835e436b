"""Copy of what child processes of this process print to an inherited stderr."""

import os
import select
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

_CHUNK: Final = 1 << 16
_POLL_INTERVAL_MS: Final = 100
_STDERR: Final = 2
_STDERR_POSITION: Final = 5
"""Position of ``stderr`` among the arguments of ``subprocess.Popen``."""


class ChildStderr:
    """Copies the stderr of processes that ``subprocess`` starts to the terminal and to a log until ``stop``.

    Concerns processes that inherit stderr and that threads other than the creator's start.
    """

    def __init__(self, on_bytes: Callable[[bytes], None]) -> None:
        self._on_bytes = on_bytes
        self._host = threading.current_thread()
        self._popen: Any = subprocess.Popen.__init__
        self._is_stopped = False
        self._is_drained = threading.Event()
        self._read_end, self._write_end = os.pipe2(os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._copy, name="child-stderr", daemon=True)

    def start(self) -> None:
        """Copy from now on."""
        self._thread.start()
        original = self._popen

        def with_stderr(process: Any, *args: Any, **kwargs: Any) -> None:
            is_inherited = kwargs.get("stderr") is None and len(args) <= _STDERR_POSITION
            if is_inherited and not self._is_stopped and threading.current_thread() is not self._host:
                kwargs["stderr"] = self._write_end
            original(process, *args, **kwargs)

        self._wrapper = with_stderr
        subprocess.Popen.__init__ = with_stderr  # type: ignore[method-assign, assignment]  # there is no other hook

    def stop(self) -> None:
        """Log the rest; a process that is still running prints to the terminal only. Calling it twice is safe."""
        if self._is_stopped:
            return
        if subprocess.Popen.__init__ is self._wrapper:
            subprocess.Popen.__init__ = self._popen  # type: ignore[method-assign]  # as it was
        self._is_stopped = True
        self._is_drained.wait()
        os.close(self._write_end)

    def _copy(self) -> None:
        poll = select.poll()
        poll.register(self._read_end, select.POLLIN)
        while True:
            is_last = self._is_stopped  # before the poll: it finds all that was printed before
            if poll.poll(0 if is_last and not self._is_drained.is_set() else _POLL_INTERVAL_MS):
                data = os.read(self._read_end, _CHUNK)
                if not data:
                    os.close(self._read_end)
                    return
                with suppress(OSError):  # this process was started without stderr
                    os.write(_STDERR, data)
                if not self._is_drained.is_set():
                    self._on_bytes(data)
            elif is_last:
                self._is_drained.set()

"""The worker as a child process, over its stdin and stdout: the local sandbox.

The end of the child is read from the kernel (a pid descriptor), not from its pipe, which a grandchild may hold open.
"""

import os
import select
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from osiris_inspect.model import layout
from osiris_inspect.model.errors import MessageTooLarge, WorkerLost
from osiris_inspect.runtime import rpc
from osiris_inspect.runtime.transport import Mode

_CHUNK: Final = 1 << 16
_PATIENCE_S: Final = 5.0
_ALLOWED = (
    "PATH",
    "HOME",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "VIRTUAL_ENV",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)


class Stdio:
    """A child process in a process group of its own, with an environment of allowed variables only."""

    mode: Mode = "sandbox"
    isolation = "process"

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = {
            name: value for name, value in environment.items() if name in _ALLOWED or name.startswith("LC_")
        }
        self._environment["MALLOC_TRIM_THRESHOLD_"] = (
            "65536"  # memory of spilled frames goes back to the system
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._lines = rpc.Lines()
        self._ready: deque[bytes | MessageTooLarge] = deque()
        self._pid_descriptor = -1

    def start(self, session: Path, base: Path) -> None:
        """Start the child; its stderr, and all that drivers print, goes to the worker's log."""
        command = [
            sys.executable,
            "-m",
            "osiris_inspect.runtime",
            str(session.resolve()),  # the child has another working folder
            self.isolation,
            str(os.getpid()),
        ]
        with (session / layout.WORKER_LOG).open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=base,
                env=self._environment,
                start_new_session=True,
                bufsize=0,
            )
        self._pid_descriptor = os.pidfd_open(self._process.pid)

    def send(self, line: bytes) -> None:
        """Hand over one command."""
        process = self._started()
        assert process.stdin is not None  # noqa: S101  asked for above
        try:
            data = memoryview(line)
            while data:
                data = data[process.stdin.write(data) :]
        except BrokenPipeError:
            raise WorkerLost(self._how()) from None

    def receive(self, timeout: float | None) -> bytes | None:
        """The next line; noticed at once when the child ends, also while another process holds its pipe."""
        process = self._started()
        assert process.stdout is not None  # noqa: S101  asked for above
        until = None if timeout is None else time.monotonic() + timeout
        while not self._ready:
            left = None if until is None else max(0.0, until - time.monotonic())
            wire = process.stdout.fileno()
            readable, _, _ = select.select([wire, self._pid_descriptor], [], [], left)
            if not readable:
                return None
            if wire in readable:
                chunk = os.read(wire, _CHUNK)
                self._ready.extend(self._lines.feed(chunk))
                if chunk:
                    continue
            raise WorkerLost(self._how())
        line = self._ready.popleft()
        if isinstance(line, MessageTooLarge):
            raise line
        return line

    def kill(self) -> None:
        """End the child's whole group: asked first, then made to."""
        if self._process is None:
            return
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(0.5)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
        self._process.wait()
        self._signal(signal.SIGKILL)  # what the child started and did not end

    def close(self) -> None:
        """Let the child end by itself when its stdin does, make it end when it will not."""
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            _signal_group(process.pid, signal.SIGKILL)
            process.wait()
        _signal_group(process.pid, signal.SIGKILL)
        os.close(self._pid_descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise WorkerLost("it was never started, or was closed")
        return self._process

    def _how(self) -> str:
        process = self._started()
        try:
            code = process.wait(1.0)
        except subprocess.TimeoutExpired:
            return "it closed its end of the wire"
        return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            _signal_group(self._process.pid, number)


def _signal_group(leader: int, number: signal.Signals) -> None:
    """Signal a process group; one that is gone already is what was wanted."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)

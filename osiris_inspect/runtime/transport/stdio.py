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
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import orjson

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import MessageTooLarge, WorkerLost, WorkerStartFailed
from osiris_inspect.model.run_types import RunMode
from osiris_inspect.runtime.protocol import messages as rpc
from osiris_inspect.runtime.sandbox import isolation as isolations
from osiris_inspect.runtime.sandbox.isolation import RequestedLevel, ResourceLimits, SandboxPermissions
from osiris_inspect.runtime.transport.temp_directory import LockedTempDir
from osiris_inspect.runtime.transport.transport import LaunchSpec, RemoteFile
from osiris_inspect.runtime.worker.worker_log import WorkerLog

_CHUNK: Final = 1 << 16
_EXIT_TIMEOUT_S: Final = 5.0
_KILL_GRACE_S: Final = 0.5
_PASSED_ENV_VARS: Final = (
    "PATH",
    "HOME",
    "LANG",
    "LANGUAGE",
    "TZ",
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)
_SIGNAL_BY_EXIT: Final = 128
"""What Bubblewrap adds to the number of the signal that ended its child."""


class Stdio:
    """A child process in a session of its own, with an environment of allowed variables only.

    Raises:
        SettingsError: the isolation that was demanded does not work here.
    """

    is_remote = False

    def __init__(
        self,
        environment: Mapping[str, str],
        wanted: RequestedLevel = "auto",
        limits: ResourceLimits | None = None,
    ) -> None:
        chosen = isolations.choose(wanted)
        self.isolation_level: str = chosen.level
        self.mode: RunMode = "process" if chosen.level == "none" else "sandbox"
        self.details: Mapping[str, Any] = {
            "isolation_declined": [{"level": level, "reason": reason} for level, reason in chosen.unavailable]
        }
        self._level = chosen.level
        self._limits = limits or ResourceLimits()
        if self._limits.memory_bytes is not None:
            self.details = {**self.details, "memory_limit_bytes": self._limits.memory_bytes}
        self._environment = {
            name: value
            for name, value in environment.items()
            if name in _PASSED_ENV_VARS or name.startswith("LC_")
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._log: WorkerLog | None = None
        self._scratch: LockedTempDir | None = None
        self._lines = rpc.LineSplitter()
        self._ready: deque[bytes | MessageTooLarge] = deque()
        self._ended = False
        self._pid_descriptor = -1

    def start(self, launch: LaunchSpec) -> str:
        """Start the child; its stderr, and all that drivers print, goes to the worker's log."""
        if self._level != "none" and launch.base.resolve() == Path("/"):
            text = "a sandbox with the whole file system as its folder would keep nothing apart; set --base"
            raise WorkerStartFailed(text)
        self._scratch = LockedTempDir()
        self._log = WorkerLog(launch.run_dir / layout.WORKER_LOG, launch.secrets)
        grants = self._permissions(launch)
        self.details = {**self.details, "grants": grants.to_document() if self._level != "none" else None}
        try:
            self._process = subprocess.Popen(
                self._command(launch, grants),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log.descriptor(),
                cwd=launch.base,
                env=self._variables(),
                start_new_session=True,
                bufsize=0,
            )
        except OSError as error:
            raise WorkerStartFailed(f"the worker's process could not be started: {error}") from error
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101, PT018  asked for
        for pipe in (self._process.stdin, self._process.stdout):
            os.set_blocking(pipe.fileno(), False)
        self._pid_descriptor = os.pidfd_open(self._process.pid)
        return str(launch.base)

    def send(self, line: bytes) -> None:
        """Hand over one command; what the worker says meanwhile is kept, so that neither waits for the other."""
        process = self._started()
        assert process.stdin is not None  # noqa: S101  asked for above
        data = memoryview(line)
        while data:
            try:
                data = data[os.write(process.stdin.fileno(), data) :]
            except BlockingIOError:
                self._wait(None, to_write=True)
                if self._ended:
                    raise WorkerLost(self._exit_description()) from None
            except BrokenPipeError:
                self._read_remaining()
                raise WorkerLost(self._exit_description()) from None

    def receive(self, timeout: float | None) -> bytes | None:
        """The next line; noticed at once when the child ends, also while another process holds its pipe."""
        until = None if timeout is None else time.monotonic() + timeout
        while not self._ready:
            if self._ended:
                raise WorkerLost(self._exit_description())
            left = None if until is None else max(0.0, until - time.monotonic())
            if not self._wait(left):
                return None
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
            self._process.wait(_KILL_GRACE_S)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
        self._process.wait()
        self._signal(signal.SIGKILL)  # what the child started and did not end
        self._read_remaining()

    def list_remote_files(self) -> list[RemoteFile]:
        """None: it writes into the run directory itself."""
        return []

    def fetch(self, file: RemoteFile, to: Path) -> None:
        """Nothing is far, so nothing can be fetched."""
        raise AssertionError(file, to)

    def close(self) -> None:
        """Let the child end by itself when its stdin does, make it end when it will not."""
        process, self._process = self._process, None
        if process is not None:
            _terminate(process)
            os.close(self._pid_descriptor)
        if self._log is not None:
            self._log.close()
        if self._scratch is not None:
            self._scratch.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- how it is started

    def _permissions(self, launch: LaunchSpec) -> SandboxPermissions:
        write = (launch.base, launch.run_dir, self._temporary())
        read = (*isolations.python_paths(), *launch.permissions.read)
        asked = launch.permissions if self._level == "none" else launch.permissions.with_created_dirs()
        return replace(asked, read=read, write=(*asked.write, *write))

    def _temporary(self) -> Path:
        assert self._scratch is not None  # noqa: S101  start made it
        return self._scratch.path

    def _command(self, launch: LaunchSpec, grants: SandboxPermissions) -> list[str]:
        told = {
            "session": str(launch.run_dir.absolute()),
            "isolation": self._level,
            "host": 0 if self._level == "bwrap" else os.getpid(),  # there it has another number, or none
            "grants": grants.to_document() if self._level == "landlock" else None,
            "memory_bytes": self._limits.memory_bytes,
            "file_bytes": self._limits.file_bytes,
            "open_files": self._limits.open_files,
        }
        # -P: a file of the pipeline's folder must not be taken for a module
        words = [sys.executable, "-P", "-m", "osiris_inspect.runtime.worker", orjson.dumps(told).decode()]
        return (
            isolations.bwrap_command(grants, launch.base.absolute(), words)
            if self._level == "bwrap"
            else words
        )

    def _variables(self) -> dict[str, str]:
        temporary = str(self._temporary())
        home = {} if self._level == "none" else {"HOME": temporary}
        # memory of spilled frames goes back to the system
        return {**self._environment, **home, "TMPDIR": temporary, "MALLOC_TRIM_THRESHOLD_": "65536"}

    # --- the wire

    def _wait(self, seconds: float | None, *, to_write: bool = False) -> bool:
        """Wait until something can be read (or written), and read it; False where ``seconds`` passed before."""
        process = self._started()
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018  asked for above
        poll = select.poll()
        poll.register(process.stdout.fileno(), select.POLLIN)
        poll.register(self._pid_descriptor, select.POLLIN)
        if to_write:
            poll.register(process.stdin.fileno(), select.POLLOUT)
        ready = dict(poll.poll(None if seconds is None else seconds * 1000))
        if self._pid_descriptor in ready:
            self._read_remaining()
        elif process.stdout.fileno() in ready:
            self._read()
        return bool(ready)

    def _read_remaining(self) -> None:
        """Read what the ended child left in its pipe, and no more: another process may hold it open."""
        while not self._ended and self._read():
            pass
        if not self._ended:
            self._ended = True
            self._ready.extend(self._lines.end())

    def _read(self) -> bool:
        """Read once; False where there is nothing to read."""
        process = self._started()
        assert process.stdout is not None  # noqa: S101  asked for above
        try:
            chunk = os.read(process.stdout.fileno(), _CHUNK)
        except BlockingIOError:
            return False
        self._ready.extend(self._lines.feed(chunk))
        if not chunk:
            self._ended = True
            self._ready.extend(self._lines.end())
        return bool(chunk)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise WorkerLost("it was never started, or was closed")
        return self._process

    def _exit_description(self) -> str:
        process = self._started()
        try:
            code = process.wait(1.0)
        except subprocess.TimeoutExpired:
            return "it closed its end of the wire"
        if self._level == "bwrap" and code > _SIGNAL_BY_EXIT:
            code = _SIGNAL_BY_EXIT - code
        try:
            return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
        except ValueError:
            return f"exit code {code}"

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            _signal_group(self._process.pid, number)


def _terminate(process: subprocess.Popen[bytes]) -> None:
    """Let a child end when its stdin does, make it end when it will not, and its whole group with it."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(_EXIT_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        _signal_group(process.pid, signal.SIGKILL)
        process.wait()
    _signal_group(process.pid, signal.SIGKILL)


def _signal_group(leader: int, number: signal.Signals) -> None:
    """Signal a process group; one that is gone already is what was wanted."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)

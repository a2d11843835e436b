"""Transport to a worker in a child process, over its stdin and stdout.

The end of the child is read from a PID descriptor, not from its pipe, which a grandchild may keep open.
"""

import os
import select
import signal
import subprocess
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import orjson

from osiris_inspect.base.child_command import module_command
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import MessageTooLarge, WorkerStartFailed
from osiris_inspect.model.run_types import RunMode
from osiris_inspect.runtime.files.memory_limit import cgroup_limit
from osiris_inspect.runtime.protocol import messages as rpc
from osiris_inspect.runtime.protocol.error_report import kind_of, os_error_facts
from osiris_inspect.runtime.sandbox import bubblewrap, isolation
from osiris_inspect.runtime.sandbox.grants import SandboxPermissions
from osiris_inspect.runtime.sandbox.guarantees import guarantees
from osiris_inspect.runtime.sandbox.isolation import RequestedLevel, ResourceLimits
from osiris_inspect.runtime.transport.temp_directory import LockedTempDir
from osiris_inspect.runtime.transport.transport import LaunchSpec, Transport
from osiris_inspect.runtime.transport.worker_exit import WorkerExit
from osiris_inspect.runtime.transport.worker_state import (
    UNKNOWN,
    WorkerState,
    handles_signal,
    read_state,
    worker_pid,
)
from osiris_inspect.runtime.worker.stack_dump import DUMP_SIGNAL, main_thread_stack
from osiris_inspect.runtime.worker.worker_log import WorkerLog

_CHUNK: Final = 1 << 16
_EXIT_TIMEOUT_S: Final = 5.0
_KILL_GRACE_S: Final = 0.5
_KILL_TIMEOUT_S: Final = 10.0
"""Seconds that a killed process has to end; uninterruptible I/O can delay its end for ever."""
_DUMP_TIMEOUT_S: Final = 1.0
_DUMP_POLL_S: Final = 0.01
_CERTIFICATE_ENV_VARS: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_PASSED_ENV_VARS: Final = ("PATH", "HOME", "LANG", "LANGUAGE", "TZ", "VIRTUAL_ENV", "PYTHONPATH")
_LIMITED_ALLOCATORS: Final = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "DUCKDB_JE_MALLOC_CONF": "retain:false",
}
"""Options of allocators that would keep freed memory reserved, which a limit counts."""
_BWRAP_SIGNAL_OFFSET: Final = 128
"""bubblewrap exits with this plus the number of the signal that ended its child."""


class Stdio(Transport):
    """Child process in its own session, with a restricted environment.

    ``limits`` are those of each worker.

    Raises:
        SettingsError: the requested isolation is not available.
    """

    limits_memory = True

    def __init__(
        self,
        environment: Mapping[str, str],
        requested: RequestedLevel = "auto",
        limits: ResourceLimits | None = None,
    ) -> None:
        chosen = isolation.choose(requested)
        self._requested, self._limits, self._first = requested, limits, self
        self.isolation_level: str = chosen.level
        self.mode: RunMode = "process" if chosen.level == "none" else "sandbox"
        self.details: Mapping[str, Any] = {
            "isolation_declined": [{"level": level, "reason": reason} for level, reason in chosen.unavailable]
        }
        self._level = chosen.level
        self.stages_outputs = chosen.level != "none"
        self.memory_bytes = limits.memory_bytes if limits is not None else None
        self._limit_bytes = self.memory_bytes
        self._environment = {
            name: value
            for name, value in environment.items()
            if name in (*_PASSED_ENV_VARS, *_CERTIFICATE_ENV_VARS) or name.startswith("LC_")
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._stdin = self._stdout = self._pidfd = -1
        self._log: WorkerLog | None = None
        self._temp_dir: LockedTempDir | None = None
        self._lines = rpc.LineSplitter()
        self._ready: deque[bytes | MessageTooLarge] = deque()
        self._ended = False

    def start(self, launch: LaunchSpec) -> str:
        """Start the child; its stderr and the output of drivers go to the worker's log."""
        if self._level != "none" and launch.base.resolve() == Path("/"):
            raise WorkerStartFailed(
                "cannot isolate the worker: its folder is '/'",
                kind="config-value-invalid",
                fix="set --base",
                option="--base",
                path="/",
            )
        self._temp_dir = LockedTempDir()
        self._log = self._first._log or WorkerLog(
            launch.run_dir / layout.WORKER_LOG, launch.secrets, launch.by_place
        )
        if launch.memory_bytes is not None:
            self._limit_bytes = launch.memory_bytes
        if self._limit_bytes is not None:
            self.details = {**self.details, "memory_limit_bytes": self._limit_bytes}
        permissions = self._permissions(launch, self._temp_dir.path)
        granted = permissions.to_document() if self._level != "none" else None
        self.details = {
            **self.details,
            "grants": granted,
            "guarantees": guarantees(self._level, permissions),
        }
        filter_descriptor = bubblewrap.seccomp_filter(permissions) if self._level == "bwrap" else None
        inherited = () if filter_descriptor is None else (filter_descriptor,)
        try:
            process = subprocess.Popen(
                self._command(launch, permissions, filter_descriptor),
                pass_fds=inherited,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log.descriptor(),
                cwd=launch.base,
                env=self._child_environment(str(self._temp_dir.path)),
                start_new_session=True,
                bufsize=0,
            )
        except OSError as error:
            raise WorkerStartFailed(
                f"cannot start the worker's process: {error}",
                kind=kind_of(error, "worker-start-failed"),
                fix="check the limits of processes and of memory",
                **os_error_facts(error),
            ) from error
        finally:
            for descriptor in inherited:
                os.close(descriptor)
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018  both are pipes
        self._process = process
        self._stdin, self._stdout = process.stdin.fileno(), process.stdout.fileno()
        os.set_blocking(self._stdin, False)
        os.set_blocking(self._stdout, False)
        self._pidfd = os.pidfd_open(process.pid)
        return str(launch.base)

    def send(self, line: bytes) -> None:
        """Send one command; read the worker's lines meanwhile, so that neither side blocks the other."""
        self._check_started()
        data = memoryview(line)
        while data:
            try:
                data = data[os.write(self._stdin, data) :]
            except BlockingIOError:
                self._wait(None, to_write=True)
                if self._ended:
                    raise self._exit().error() from None
            except BrokenPipeError:
                self._read_remaining()
                raise self._exit().error() from None

    def receive(self, timeout: float | None) -> bytes | None:
        """Return the next line; notice the end of the child even if its pipe stays open."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._ready:
            if self._ended:
                raise self._exit().error()
            remaining = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not self._wait(remaining):
                return None
        line = self._ready.popleft()
        if isinstance(line, MessageTooLarge):
            raise line
        return line

    def sibling(self) -> "Stdio":
        """Return a transport to another child, with the same isolation and limits and the same log."""
        other = Stdio(self._environment, self._requested, self._limits)
        other._first = self
        return other

    def descriptors(self) -> tuple[int, ...]:
        """Return the child's stdout and its PID descriptor."""
        return () if self._process is None else (self._stdout, self._pidfd)

    def worker_state(self) -> WorkerState:
        """Return the state of the child that sends no heartbeats."""
        return UNKNOWN if self._process is None else read_state(worker_pid(self._process.pid))

    def dump_stack(self) -> str | None:
        """Return the Python stack of the hung child, which also arrives in the worker's log."""
        if self._process is None or self._log is None:
            return None
        pid = worker_pid(self._process.pid)
        if not handles_signal(pid, DUMP_SIGNAL):  # it would end the process
            return None
        start = self._log.size
        with suppress(ProcessLookupError):
            os.kill(pid, DUMP_SIGNAL)
            os.kill(pid, signal.SIGCONT)
        stack, deadline = None, time.monotonic() + _DUMP_TIMEOUT_S
        while stack is None and time.monotonic() < deadline:
            time.sleep(_DUMP_POLL_S)
            stack = main_thread_stack(self._log.recent_text(start))
        return stack

    def kill(self) -> None:
        """End the child's process group: SIGTERM, then SIGKILL."""
        if self._process is None:
            return
        _signal_group(self._process.pid, signal.SIGTERM)
        self._wait_or_kill(self._process, _KILL_GRACE_S)
        self._read_remaining()

    def close(self) -> None:
        """Close the child's stdin and wait for its end; kill it if it does not end."""
        process, self._process = self._process, None
        if process is not None:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
            self._wait_or_kill(process, _EXIT_TIMEOUT_S)
            os.close(self._pidfd)
        if self._log is not None and self._first is self:
            self._log.close()
        if self._temp_dir is not None:
            self._temp_dir.close()

    def _wait_or_kill(self, process: subprocess.Popen[bytes], timeout: float) -> None:
        """Wait for a process and kill its group after ``timeout`` seconds; then kill the rest of the group."""
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout)
        _signal_group(process.pid, signal.SIGKILL)
        try:
            process.wait(_KILL_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.details = {**self.details, "process_left_behind": process.pid}

    # --- start

    def _permissions(self, launch: LaunchSpec, temp_dir: Path) -> SandboxPermissions:
        own = launch.permissions
        if self._level == "none":
            return own
        system = launch.run_dir.absolute() / layout.SYSTEM_ARTIFACTS
        system.mkdir(
            0o700, parents=True, exist_ok=True
        )  # in a folder that drivers write: bwrap keeps it read-only
        return replace(own, read=(*isolation.python_paths(), *own.read, system), write=(*own.write, temp_dir))

    def _command(
        self, launch: LaunchSpec, permissions: SandboxPermissions, filter_descriptor: int | None
    ) -> list[str]:
        options = {
            "session": str(launch.run_dir.absolute()),
            "nonce": launch.nonce,
            "isolation": self._level,
            # bwrap has its own PIDs and --die-with-parent
            "host": 0 if self._level == "bwrap" else os.getpid(),
            "grants": permissions.to_document() if self._level == "landlock" else None,
            "memory_bytes": self._limit_bytes,
            "is_memory_of_step": launch.memory_bytes is not None,
            "cgroup_bytes": cgroup_limit(),  # bwrap hides the path of the cgroup
        }
        command = module_command("osiris_inspect.runtime.worker", orjson.dumps(options).decode())
        if self._level != "bwrap":
            return command
        return bubblewrap.command(permissions, launch.base.absolute(), command, filter_descriptor)

    def _child_environment(self, temp_dir: str) -> dict[str, str]:
        home = {} if self._level == "none" else {"HOME": temp_dir}
        allocators = _LIMITED_ALLOCATORS if self._limit_bytes is not None else {}
        # MALLOC_TRIM_THRESHOLD_: return the memory of spilled frames to the system
        trim = {"MALLOC_TRIM_THRESHOLD_": "65536"}
        return {**self._environment, **home, "TMPDIR": temp_dir, **trim, **allocators}

    # --- messages

    def _wait(self, seconds: float | None, *, to_write: bool = False) -> bool:
        """Wait until a pipe can be read (or written) and read it; return False after ``seconds``."""
        self._check_started()
        poll = select.poll()
        poll.register(self._stdout, select.POLLIN)
        poll.register(self._pidfd, select.POLLIN)
        if to_write:
            poll.register(self._stdin, select.POLLOUT)
        ready = dict(poll.poll(None if seconds is None else seconds * 1000))
        if self._pidfd in ready:
            self._read_remaining()
        elif self._stdout in ready:
            self._read()
        return bool(ready)

    def _read_remaining(self) -> None:
        """Read what the ended child left in its pipe, without waiting for the end of the stream."""
        while not self._ended and self._read():
            pass
        self._end()

    def _read(self) -> bool:
        """Read once; return False if nothing could be read."""
        try:
            chunk = os.read(self._stdout, _CHUNK)
        except BlockingIOError:
            return False
        self._ready.extend(self._lines.feed(chunk))
        if not chunk:
            self._end()
        return bool(chunk)

    def _end(self) -> None:
        self._ended = True
        self._ready.extend(self._lines.end())

    def _check_started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise WorkerExit("it was not started, or it was closed").error()
        return self._process

    def _exit(self) -> WorkerExit:
        try:
            code = self._check_started().wait(1.0)
        except subprocess.TimeoutExpired:
            return WorkerExit("it closed its stdout")
        if self._level == "bwrap" and code > _BWRAP_SIGNAL_OFFSET:
            code = _BWRAP_SIGNAL_OFFSET - code
        return WorkerExit.by_code(code)


def _signal_group(leader: int, number: signal.Signals) -> None:
    """Signal a process group; ignore one that has ended."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)

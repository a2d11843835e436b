"""E2B sandbox and the worker in it, through E2B's SDK. All coroutines run on one event loop.

Messages that the worker sends while the stream is disconnected are lost, so the worker also writes them to a
file, from which the gap is filled after a reconnect. The lifetime of the sandbox is extended while the run is
alive. A run has its own folder in the sandbox, because a template or a resumed sandbox may contain the files of
another one.
"""

import asyncio
import contextlib
import hashlib
import inspect
import json
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final

from osiris_inspect.model.errors import ProtocolError, WorkerStartFailed
from osiris_inspect.runtime.protocol import messages as rpc
from osiris_inspect.runtime.protocol.messages import EventMessage
from osiris_inspect.runtime.transport.e2b import errors as e2b_errors
from osiris_inspect.runtime.transport.e2b import files
from osiris_inspect.runtime.transport.e2b.exit_status import (
    WATCH_SCRIPT,
    exit_from_error,
    exit_from_wait_status,
)
from osiris_inspect.runtime.transport.e2b.files import COMMAND_TIMEOUT_S, MIN_BYTES_PER_S, REQUEST_TIMEOUT_S
from osiris_inspect.runtime.transport.e2b.retry import E2bRetryPolicy
from osiris_inspect.runtime.transport.e2b.upload import ARCHIVE, BASE, CODE, RUN
from osiris_inspect.runtime.transport.message_reassembly import MessageReassembler
from osiris_inspect.runtime.transport.remote_files import RemoteFile, RemoteListing
from osiris_inspect.runtime.transport.worker_exit import WorkerExit

_WORKER_LINES_FILE: Final = f"{RUN}/.worker_events.jsonl"
_MAX_WORKER_LINES_BYTES: Final = 1 << 30
_STREAM_HEAD_START_S: Final = 0.2
"""The stream reports the end of the worker more precisely, so the process watch waits for it."""


class E2bSandbox:
    """Sandbox from its creation to its end.

    Attributes:
        folder: folder of the run in the sandbox, relative to the home.
        inbox: the lines of the worker.
        on_stderr: receives what the worker prints.
    """

    def __init__(
        self, connection: Mapping[str, Any], template: str | None, retry_policy: E2bRetryPolicy
    ) -> None:
        self._connection, self._template, self._policy = dict(connection), template, retry_policy
        self._sandbox: Any = None
        self._process: Any = None
        self._tasks: list[asyncio.Task[None]] = []
        self._send_lock = asyncio.Lock()
        self._last_output = 0.0
        self._is_stalled = asyncio.Event()
        self.folder = ""
        self._nonce = ""
        self.inbox = MessageReassembler()
        self.on_stderr: Callable[[bytes], None] = lambda _: None

    @property
    def id(self) -> str | None:
        """E2B's id of the sandbox; None if there is no sandbox."""
        return self._sandbox.sandbox_id if self._sandbox is not None else None

    # --- sandbox

    async def create(self, run: str, nonce: str) -> None:
        """Create the sandbox of a run. Retries use the same idempotency key, so that only one is created.

        Raises:
            WorkerStartFailed: E2B created no sandbox.
        """
        from e2b import AsyncSandbox

        self._nonce, self.folder = nonce, f"osiris-{nonce}"
        self.inbox = MessageReassembler(nonce)
        options = {
            "timeout": self._policy.sandbox_timeout_s,
            "metadata": {"osiris_run": run},
            **self._connection,
        }
        if "idempotency_key" in inspect.signature(AsyncSandbox.create).parameters:
            digest = hashlib.sha256(f"{run}{time.time_ns()}".encode()).hexdigest()
            options["idempotency_key"] = f"osiris-{digest[:32]}"
        with e2b_errors.raised_as(WorkerStartFailed, "cannot create an E2B sandbox", "sandbox-unavailable"):
            self._sandbox = await self._policy.call(lambda: AsyncSandbox.create(self._template, **options))
        self._tasks.append(asyncio.create_task(self._extend_lifetime()))

    async def close(self) -> None:
        """End the sandbox. If that fails, E2B ends it after its lifetime.

        Raises:
            ProtocolError: the sandbox may still exist.
        """
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        sandbox, self._sandbox = self._sandbox, None
        if sandbox is None:
            return
        with e2b_errors.raised_as(
            ProtocolError, f"cannot end sandbox {sandbox.sandbox_id}", "sandbox-left-behind"
        ):
            try:
                await self._policy.call(lambda: sandbox.kill(request_timeout=REQUEST_TIMEOUT_S))
            except Exception as error:  # the SDK's errors have no common base class
                if not e2b_errors.is_gone(error):
                    raise

    async def _extend_lifetime(self) -> None:
        while True:
            await asyncio.sleep(self._policy.sandbox_timeout_s / 4)
            try:
                await self._sandbox.set_timeout(
                    self._policy.sandbox_timeout_s, request_timeout=REQUEST_TIMEOUT_S
                )
            except Exception as error:  # noqa: BLE001  tried again; the stream reports a sandbox that is gone
                self._inject_error("lifetime_not_extended", error)

    # --- worker

    async def upload(self, archive: Path) -> None:
        """Upload the archive and unpack it after comparing its hash.

        Raises:
            WorkerStartFailed: the upload failed, or the hashes differ.
        """
        data = archive.read_bytes()
        expected = hashlib.sha256(data).hexdigest()
        unpack = (
            f"cd {self.folder} && "
            f's=$(sha256sum {ARCHIVE}); echo "$s"; [ "${{s%% *}}" = {expected} ] || exit 0; '
            f"tar xzf {ARCHIVE} && mkdir -p {BASE} {RUN}"
        )
        with e2b_errors.raised_as(
            WorkerStartFailed, "cannot upload the worker into the sandbox", "worker-start-failed"
        ):
            await self._policy.call(lambda: self._write_archive(data))
            completed = await self._policy.call(
                lambda: self._sandbox.commands.run(unpack, timeout=COMMAND_TIMEOUT_S)
            )
        if completed.stdout.split()[:1] != [expected]:
            arrived = completed.stdout[:64]
            raise WorkerStartFailed(
                f"the upload of the worker is damaged: its hash is {arrived} in the sandbox and {expected} here",
                kind="upload-damaged",
                fix="try again",
                expected=expected,
                found=arrived,
            )

    async def _write_archive(self, data: bytes) -> None:
        timeout = REQUEST_TIMEOUT_S + len(data) / MIN_BYTES_PER_S
        await self._sandbox.files.write(f"{self.folder}/{ARCHIVE}", data, request_timeout=timeout)

    async def start(self, python: str, *, install: bool) -> None:
        """Start the worker.

        Raises:
            WorkerStartFailed: its process did not start.
        """
        options = {
            "session": f"~/{self.folder}/{RUN}",
            "nonce": self._nonce,
            "isolation": "e2b",
            "host": 0,
            "durable": f"~/{self.folder}/{_WORKER_LINES_FILE}",
            "install": install,
        }
        # exec: the PID is the worker's own
        command = (
            f'cd {self.folder}/{BASE} && export PYTHONPATH="$HOME/{self.folder}/{CODE}${{PYTHONPATH:+:$PYTHONPATH}}" MALLOC_TRIM_THRESHOLD_=65536'
            f" && exec {python} -P -u -m osiris_inspect.runtime.worker {shlex.quote(json.dumps(options))}"
        )
        with e2b_errors.raised_as(WorkerStartFailed, "cannot start the worker", "worker-start-failed"):
            # timeout=0: E2B would kill the process after its default of 60 s
            self._process = await self._sandbox.commands.run(
                command, background=True, stdin=True, timeout=0, **self._stream_options()
            )
        self._last_output = time.monotonic()
        for task in (self._follow_process(), self._watch_process(), self._watch_for_stalled_stream()):
            self._tasks.append(asyncio.create_task(task))

    async def send(self, line: bytes) -> None:
        """Send one command. It may arrive twice after a retry: the worker executes each id once.

        Raises:
            WorkerLost: the worker has ended.
        """
        prefix = b""

        async def attempt() -> None:
            nonlocal prefix
            if self.inbox.exit is not None:
                raise self.inbox.exit.error()  # not transient: ends the retries
            data, prefix = prefix + line, b"\n"  # a retry first ends a partial line
            await self._write(data)

        async with self._send_lock:
            try:
                await self._policy.call(attempt)
            except Exception as error:  # the SDK's errors have no common base class
                raise (self.inbox.exit or _exit_from(error)).error() from error

    async def _write(self, data: bytes) -> None:
        await files.write_stdin(self._sandbox, self._process.pid, data)

    async def kill_worker(self) -> None:
        """End the worker and its child processes; the sandbox stays."""
        pid = self._process.pid if self._process is not None else 0
        if pid and self.inbox.exit is None:
            kill = f"kill -TERM -- -{pid} {pid}; sleep 0.3; kill -KILL -- -{pid} {pid}; true"
            try:
                await self._sandbox.commands.run(kill, timeout=REQUEST_TIMEOUT_S)
                await asyncio.wait_for(self._wait_for_end(), timeout=5.0)
            except Exception as error:  # noqa: BLE001  the worker ends with its sandbox
                self._inject_error("worker_not_ended", error)
        self.inbox.end(WorkerExit("it was killed by the host"))

    async def _wait_for_end(self) -> None:
        while self.inbox.exit is None:
            await asyncio.sleep(0.02)

    # --- messages

    def _stream_options(self) -> dict[str, Any]:
        # an exception in a callback would end the stream, so they only store the data
        return {
            "on_stdout": self._on_stdout,
            "on_stderr": lambda text: self.on_stderr(text.encode()),
            **files.discarded_output(),
        }

    def _on_stdout(self, text: str) -> None:
        self._last_output = time.monotonic()
        self.inbox.feed(text.encode())

    async def _follow_process(self) -> None:
        """Follow the stream until the worker ends; reconnect if the connection is lost."""
        while self.inbox.exit is None:
            try:
                ended: WorkerExit | None = await self._wait_for_exit()
            except Exception as error:  # noqa: BLE001  the connection is lost, in one of many ways
                if e2b_errors.is_gone(error):
                    ended = _exit_from(error)
                else:
                    self._inject_error("connection_lost", error)
                    ended = await self._reconnect()
            if ended is not None:
                await self._finish(ended)

    async def _wait_for_exit(self) -> WorkerExit:
        """Wait for the end of the worker; return how it ended.

        Raises:
            ConnectionError: the stream is stalled.
            Exception: the connection is lost, with one of the SDK's errors.
        """
        from e2b import CommandExitException

        exited = asyncio.ensure_future(self._process.wait())
        stalled = asyncio.ensure_future(self._is_stalled.wait())
        try:
            await asyncio.wait({exited, stalled}, return_when=asyncio.FIRST_COMPLETED)
            if exited.done():
                exited.result()
                return WorkerExit.by_code(0)
        except CommandExitException as error:
            return exit_from_error(error)
        finally:
            stalled.cancel()
            exited.cancel()
        self._is_stalled.clear()
        # disconnecting a stalled stream may block
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.disconnect(), 2.0)
        raise ConnectionError("the worker wrote messages that did not arrive")

    async def _reconnect(self) -> WorkerExit | None:
        """Reconnect the stream and fill the gap; return how the worker ended if it has ended."""
        deadline, delay = time.monotonic() + self._policy.reconnect_timeout_s, self._policy.backoff / 4
        while True:
            try:
                self.inbox.reconnect()
                self._process = await self._sandbox.commands.connect(
                    self._process.pid, timeout=0, request_timeout=REQUEST_TIMEOUT_S, **self._stream_options()
                )
                await self._fill_gap()
            except Exception as error:  # noqa: BLE001  classified below
                if e2b_errors.is_gone(error):
                    return _exit_from(error)
                if e2b_errors.is_no_such_process(error):
                    return WorkerExit("its process ended while it was disconnected")
                if time.monotonic() + delay > deadline:
                    reason = "the connection was lost, and reconnecting failed"
                    return WorkerExit(f"{reason}: {e2b_errors.user_message(error)}", "connection-lost")
                await asyncio.sleep(delay)
                delay = min(delay * 2, 5.0)
            else:
                self._inject_event("connection_restored", {})
                return None

    async def _fill_gap(self) -> None:
        """Add the lines of the worker's file that did not arrive over the stream."""
        self.inbox.start_file()
        path, idle_timeout_s = f"{self.folder}/{_WORKER_LINES_FILE}", self._policy.idle_timeout_s
        async with aclosing(
            files.read_file(self._sandbox, path, _MAX_WORKER_LINES_BYTES, idle_timeout_s)
        ) as chunks:
            async for chunk in chunks:
                self.inbox.feed_from_file(chunk)

    async def _finish(self, ended: WorkerExit) -> None:
        try:
            if await self._file_has_more():
                await self._fill_gap()
        except Exception as error:  # noqa: BLE001  the sandbox may be gone with its worker
            if not e2b_errors.is_gone(error):
                self._inject_error("replay_failed", error)
        self.inbox.end(ended)

    async def _file_has_more(self, grace_s: float = 0.0) -> bool:
        """Return True if the worker's file has lines that do not arrive within ``grace_s``."""
        path = f"{self.folder}/{_WORKER_LINES_FILE}"
        info = await self._sandbox.files.get_info(path, request_timeout=REQUEST_TIMEOUT_S)
        if int(info.size) > self.inbox.bytes:
            await asyncio.sleep(grace_s)
        return int(info.size) > self.inbox.bytes

    async def _watch_process(self) -> None:
        """Notice the end of the worker while a grandchild keeps its pipes open."""
        from e2b import CommandExitException

        try:
            result = await self._sandbox.commands.run(WATCH_SCRIPT.format(pid=self._process.pid), timeout=0)
        except CommandExitException as error:
            self._inject_event("watch_lost", {"error": f"the watch ended with exit code {error.exit_code}"})
            return
        except Exception as error:  # noqa: BLE001  the stream and its stall detection still work
            self._inject_error("watch_lost", error)
            return
        output = result.stdout.strip()
        if output == "blind":
            return
        await asyncio.sleep(_STREAM_HEAD_START_S)
        if self.inbox.exit is None:
            await self._finish(exit_from_wait_status(output))

    async def _watch_for_stalled_stream(self) -> None:
        """Notice a stream that is silent while the worker's file grows."""
        interval = self._policy.stall_timeout_s / 4
        while True:
            await asyncio.sleep(interval)
            silence = time.monotonic() - self._last_output
            if silence < self._policy.stall_timeout_s and not self.inbox.has_gap:
                continue
            try:
                if await self._file_has_more(interval):
                    self._is_stalled.set()
            except Exception as error:  # noqa: BLE001  tried again
                self._inject_error("watch_lost", error)
            self._last_output = time.monotonic()

    def _inject_error(self, name: str, error: Exception) -> None:
        self._inject_event(name, {"error": e2b_errors.user_message(error)})

    def _inject_event(self, name: str, fields: Mapping[str, Any]) -> None:
        event = EventMessage(0, time.time(), name, None, {**fields, "sandbox": self.id})
        self.inbox.inject(rpc.with_nonce(rpc.encode_message(event), self._nonce).rstrip(b"\n"))

    # --- files

    async def list_files(
        self, python: str, outputs: Sequence[str], max_bytes: tuple[int, int]
    ) -> RemoteListing:
        """Return the artifacts and output files in the sandbox; ``max_bytes`` are the largest of each to hash.

        Raises:
            ProtocolError: the files cannot be listed.
        """
        return await files.list_remote_files(self._sandbox, python, self.folder, outputs, max_bytes)

    async def fetch(self, file: RemoteFile, to: int) -> None:
        """Download a file into an open empty file.

        Raises:
            ProtocolError: the download failed, or its size or hash differs.
        """
        await files.download(self._sandbox, self._policy, self.folder, file, to)


def _exit_from(error: Exception) -> WorkerExit:
    """Return the end of a worker that an error of the SDK reports."""
    failure = e2b_errors.explain(error)
    return WorkerExit(e2b_errors.user_message(error), failure.kind or "connection-lost", failure.facts)

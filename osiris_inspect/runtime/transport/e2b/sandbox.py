"""One sandbox of E2B and the worker in it, by way of E2B's own SDK. All of this runs on one event loop.

What the worker says while nobody is attached is thrown away there, so it keeps its lines in a file too: after a lost
connection the file fills the hole. A sandbox has a fixed lifetime, extended while the run is alive.
"""

import asyncio
import contextlib
import hashlib
import inspect
import json
import shlex
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from osiris_inspect.model.errors import ProtocolError, WorkerLost, WorkerStartFailed
from osiris_inspect.runtime.files.atomic_replace import replace_file
from osiris_inspect.runtime.protocol import messages as rpc
from osiris_inspect.runtime.protocol.messages import EventMessage
from osiris_inspect.runtime.transport.e2b import errors as e2b_errors
from osiris_inspect.runtime.transport.e2b.exit_status import WATCH_SCRIPT, describe_exit, describe_wait_status
from osiris_inspect.runtime.transport.e2b.retry import E2bRetryPolicy
from osiris_inspect.runtime.transport.e2b.upload import ARCHIVE, BASE, CODE, RUN
from osiris_inspect.runtime.transport.message_reassembly import MessageReassembler
from osiris_inspect.runtime.transport.transport import RemoteFile

T = TypeVar("T")
WORKER_LINES_FILE: Final = f"{RUN}/.worker_events.jsonl"
_REQUEST_S: Final = 30.0
_BYTES_PER_S: Final = 256 * 1024
"""The slowest line that a transfer is given time for."""
_STDIN_PIECE: Final = 512 * 1024
_STREAM_FIRST_S: Final = 0.2
"""The stream knows better how the worker ended, if it ends: it gets that long to say it."""
_LISTING: Final = "osiris_inspect/runtime/transport/e2b/list_files.py"
_LISTING_S: Final = 900.0


class E2bSandbox:
    """A sandbox, from its creation to its end."""

    def __init__(self, connection: Mapping[str, Any], template: str | None, patience: E2bRetryPolicy) -> None:
        self._connection, self._template, self._patience = dict(connection), template, patience
        self._sandbox: Any = None
        self._process: Any = None
        self._tasks: list[asyncio.Task[None]] = []
        self._sending = asyncio.Lock()
        self._last_heard = 0.0
        self._is_deaf = asyncio.Event()
        self.inbox = MessageReassembler()
        self.on_words: Callable[[bytes], None] = lambda _: None

    @property
    def id(self) -> str | None:
        """What E2B calls it; None while there is none."""
        return self._sandbox.sandbox_id if self._sandbox is not None else None

    # --- its life

    async def create(self, run: str) -> None:
        """Have a sandbox. Trying again after a doubtful failure gives the same one.

        Raises:
            WorkerStartFailed: E2B gives none.
        """
        from e2b import AsyncSandbox

        options = {
            "timeout": self._patience.sandbox_timeout_s,
            "metadata": {"osiris_run": run},
            **self._connection,
        }
        if "idempotency_key" in inspect.signature(AsyncSandbox.create).parameters:
            options["idempotency_key"] = (
                f"osiris-{hashlib.sha256(f'{run}{time.time_ns()}'.encode()).hexdigest()[:32]}"
            )
        try:
            self._sandbox = await self._patience.call(lambda: AsyncSandbox.create(self._template, **options))
        except Exception as error:  # the SDK's errors have no common root; all of them mean: no sandbox
            raise WorkerStartFailed(
                f"no sandbox of E2B could be had: {e2b_errors.user_message(error)}"
            ) from error
        self._tasks.append(asyncio.create_task(self._extend_lifetime()))

    async def close(self) -> None:
        """End the sandbox, whatever happened to it; E2B ends it by itself when its lifetime is over."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        sandbox, self._sandbox = self._sandbox, None
        if sandbox is None:
            return
        try:
            await self._patience.call(lambda: sandbox.kill(request_timeout=_REQUEST_S))
        except Exception as error:  # the SDK's errors have no common root; gone is what was wanted
            if not e2b_errors.is_gone(error):
                raise ProtocolError(
                    f"sandbox {sandbox.sandbox_id} could not be ended: {e2b_errors.user_message(error)}"
                ) from error

    async def _extend_lifetime(self) -> None:
        """Move the end of the sandbox on, as long as this side is alive."""
        while True:
            await asyncio.sleep(self._patience.sandbox_timeout_s / 4)
            try:
                await self._sandbox.set_timeout(self._patience.sandbox_timeout_s, request_timeout=_REQUEST_S)
            except Exception as error:  # noqa: BLE001  the next try may go through; a sandbox that is gone shows on the wire
                self._inject_event("lifetime_not_extended", {"error": e2b_errors.user_message(error)})

    # --- its worker

    async def upload(self, archive: Path) -> None:
        """Bring the parcel up and unpack it, its hash compared on both sides.

        Raises:
            WorkerStartFailed: it did not arrive as it was.
        """
        size = archive.stat().st_size
        sent = hashlib.sha256(archive.read_bytes()).hexdigest()
        unpack = (
            f's=$(sha256sum {ARCHIVE}); echo "$s"; [ "${{s%% *}}" = {sent} ] || exit 0; '
            f"tar xzf {ARCHIVE} && mkdir -p {BASE} {RUN}"
        )
        try:
            await self._patience.call(
                lambda: self._sandbox.files.write(
                    ARCHIVE, archive.read_bytes(), request_timeout=_REQUEST_S + size / _BYTES_PER_S
                )
            )
            done = await self._patience.call(lambda: self._sandbox.commands.run(unpack, timeout=_LISTING_S))
        except Exception as error:  # the SDK's errors have no common root; all of them mean: not there
            raise WorkerStartFailed(
                f"the worker could not be brought into the sandbox: {e2b_errors.user_message(error)}"
            ) from error
        if done.stdout.split()[:1] != [sent]:
            raise WorkerStartFailed(f"the parcel is {done.stdout[:64]} in the sandbox and {sent} here")

    async def start(self, python: str, *, install: bool) -> None:
        """Start the worker.

        Raises:
            WorkerStartFailed: its process cannot be started.
        """
        told = {
            "session": f"~/{RUN}",
            "isolation": "e2b",
            "host": 0,
            "durable": f"~/{WORKER_LINES_FILE}",
            "install": install,
        }
        # exec: the number of the process is the worker's own
        command = (
            f'cd {BASE} && export PYTHONPATH="$HOME/{CODE}${{PYTHONPATH:+:$PYTHONPATH}}" MALLOC_TRIM_THRESHOLD_=65536'
            f" && exec {python} -P -u -m osiris_inspect.runtime.worker {shlex.quote(json.dumps(told))}"
        )
        try:
            # timeout=0: after the default of 60 s E2B would kill the process
            self._process = await self._sandbox.commands.run(
                command, background=True, stdin=True, timeout=0, **self._listening()
            )
        except Exception as error:  # the SDK's errors have no common root; all of them mean: no worker
            raise WorkerStartFailed(
                f"the worker could not be started: {e2b_errors.user_message(error)}"
            ) from error
        self._last_heard = time.monotonic()
        for task in (self._follow_process(), self._watch_process(), self._watch_for_stalled_stream()):
            self._tasks.append(asyncio.create_task(task))

    async def send(self, line: bytes) -> None:
        """Hand over one command. After a doubtful failure it is sent again: the worker does each id once.

        Raises:
            WorkerLost: nobody takes it.
        """
        async with self._sending:  # two at once would not keep their order
            delay = self._patience.backoff
            for turn in range(self._patience.max_attempts):
                try:
                    # what a try before this one left of a line is ended first
                    await self._write((b"\n" if turn else b"") + line)
                except (
                    Exception
                ) as error:  # the SDK's errors have no common root; those that pass are asked apart
                    if self.inbox.how is not None:
                        raise WorkerLost(self.inbox.how) from error
                    if not e2b_errors.is_transient(error) or turn == self._patience.max_attempts - 1:
                        raise WorkerLost(e2b_errors.user_message(error)) from error
                    await asyncio.sleep(delay)
                    delay *= 2
                else:
                    return

    async def _write(self, data: bytes) -> None:
        text = data.decode()  # cut as text: a piece must not end within a character
        for start in range(0, len(text), _STDIN_PIECE):
            piece = text[start : start + _STDIN_PIECE]
            await self._sandbox.commands.send_stdin(self._process.pid, piece, request_timeout=_REQUEST_S)

    async def kill_worker(self) -> None:
        """End the worker and all it started, now; the sandbox stays."""
        pid = self._process.pid if self._process is not None else 0
        if pid and self.inbox.how is None:
            kill = f"kill -TERM -- -{pid} {pid}; sleep 0.3; kill -KILL -- -{pid} {pid}; true"
            try:
                await self._sandbox.commands.run(kill, timeout=_REQUEST_S)
                await asyncio.wait_for(self._exit_info(), timeout=5.0)
            except Exception as error:  # noqa: BLE001  what cannot be ended here ends with its sandbox
                self._inject_event("worker_not_ended", {"error": e2b_errors.user_message(error)})
        self.inbox.end("it was ended")

    async def _exit_info(self) -> None:
        while self.inbox.how is None:
            await asyncio.sleep(0.02)

    # --- what it says

    def _listening(self) -> dict[str, Any]:
        from e2b.sandbox_async.commands.command import Commands

        # a callback that raises would end the stream for good: these two only put aside
        keep: dict[str, Any] = {
            "on_stdout": self._on_output,
            "on_stderr": lambda text: self.on_words(text.encode()),
        }
        if "retain_output" in inspect.signature(Commands.run).parameters:
            keep["retain_output"] = False  # it would keep the whole log in memory
        return keep

    def _on_output(self, text: str) -> None:
        self._last_heard = time.monotonic()
        self.inbox.feed(text.encode())

    async def _follow_process(self) -> None:
        """Stay attached until the worker ends; say how it did."""
        while self.inbox.how is None:
            try:
                how: str | None = await self._wait_for_exit()
            except Exception as error:  # noqa: BLE001  the connection is lost, in one of many ways
                if e2b_errors.is_gone(error):
                    how = e2b_errors.user_message(error)
                else:
                    self._inject_event("connection_lost", {"error": e2b_errors.user_message(error)})
                    how = await self._reattach()
            if how is not None:
                await self._finish(how)

    async def _wait_for_exit(self) -> str:
        """Wait for the end of the worker; gives how it ended.

        Raises:
            ConnectionError: the stream was found to be dead.
            Exception: the stream broke, in one of the SDK's ways.
        """
        from e2b import CommandExitException

        ended = asyncio.ensure_future(self._process.wait())
        dead = asyncio.ensure_future(self._is_deaf.wait())
        try:
            await asyncio.wait({ended, dead}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                ended.result()
                return "exit code 0"
        except CommandExitException as error:
            return describe_exit(error)
        finally:
            dead.cancel()
            ended.cancel()
        self._is_deaf.clear()
        # a broken stream may not even let itself be closed
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.disconnect(), 2.0)
        raise ConnectionError("the worker spoke and nothing came")

    async def _reattach(self) -> str | None:
        """Attach again and fill the hole; gives how the worker ended where it is no more."""
        until, delay = time.monotonic() + self._patience.reconnect_timeout_s, self._patience.backoff / 4
        while True:
            try:
                self.inbox.reconnect()
                self._process = await self._sandbox.commands.connect(
                    self._process.pid, timeout=0, request_timeout=_REQUEST_S, **self._listening()
                )
                await self._fill_gap()
            except Exception as error:  # noqa: BLE001  which of them matter is asked below
                if e2b_errors.is_gone(error):
                    return e2b_errors.user_message(error)
                if e2b_errors.is_no_such_process(error):
                    return "its process ended while nobody was attached"
                if time.monotonic() + delay > until:
                    return f"the connection was lost and could not be had again: {e2b_errors.user_message(error)}"
                await asyncio.sleep(delay)
                delay = min(delay * 2, 5.0)
            else:
                self._inject_event("connection_restored", {})
                return None

    async def _fill_gap(self) -> None:
        """Take from the worker's own file what did not come over the wire."""
        data = await self._sandbox.files.read(
            WORKER_LINES_FILE, format="bytes", request_timeout=_REQUEST_S * 4
        )
        self.inbox.fill_from_file(bytes(data))

    async def _finish(self, how: str) -> None:
        try:
            if await self._file_has_more():
                await self._fill_gap()
        except Exception as error:  # noqa: BLE001  the sandbox went with its worker
            if not e2b_errors.is_gone(error):
                self._inject_event("replay_failed", {"error": e2b_errors.user_message(error)})
        self.inbox.end(how)

    async def _file_has_more(self) -> bool:
        """Whether the worker's own file holds more than came over the wire."""
        return await self._size_of_file() > self.inbox.bytes

    async def _file_still_has_more(self) -> bool:
        """Whether what the worker's own file holds does not come over the wire, not even a little later."""
        size = await self._size_of_file()
        if size > self.inbox.bytes:
            await asyncio.sleep(self._patience.stall_timeout_s / 4)  # it may have spoken just now
        return size > self.inbox.bytes

    async def _size_of_file(self) -> int:
        info = await self._sandbox.files.get_info(WORKER_LINES_FILE, request_timeout=_REQUEST_S)
        return int(info.size)

    async def _watch_process(self) -> None:
        """See that the worker died where its pipes do not show it: a grandchild may hold them open."""
        from e2b import CommandExitException

        try:
            seen = await self._sandbox.commands.run(WATCH_SCRIPT.format(pid=self._process.pid), timeout=0)
        except CommandExitException as error:
            self._inject_event("watch_lost", {"error": f"it ended with exit code {error.exit_code}"})
            return
        except Exception as error:  # noqa: BLE001  without it the stream and the silence still tell
            self._inject_event("watch_lost", {"error": e2b_errors.user_message(error)})
            return
        said = seen.stdout.strip()
        if said == "blind":
            return
        await asyncio.sleep(_STREAM_FIRST_S)
        if self.inbox.how is None:
            await self._finish(describe_wait_status(said))

    async def _watch_for_stalled_stream(self) -> None:
        """A stream can die without a word: then the file grows and the wire is silent."""
        while True:
            await asyncio.sleep(self._patience.stall_timeout_s / 4)
            if (
                time.monotonic() - self._last_heard < self._patience.stall_timeout_s
                and not self.inbox.has_gap
            ):
                continue
            try:
                if await self._file_still_has_more():
                    self._is_deaf.set()
            except Exception as error:  # noqa: BLE001  asked again soon
                self._inject_event("watch_lost", {"error": e2b_errors.user_message(error)})
            self._last_heard = time.monotonic()

    def _inject_event(self, name: str, fields: Mapping[str, Any]) -> None:
        self.inbox.inject(
            rpc.encode_message(
                EventMessage(0, time.time(), name, None, {**fields, "sandbox": self.id})
            ).rstrip(b"\n")
        )

    # --- its files

    async def listing(self, python: str, outputs: list[str]) -> list[RemoteFile]:
        """The artifacts and output files that lie in the sandbox.

        Raises:
            ProtocolError: it cannot be asked.
        """
        names = " ".join(map(shlex.quote, outputs))
        command = f"{python} -P {CODE}/{_LISTING} {RUN} {BASE} {names}"  # as a file: it needs no package but Python's own
        try:
            done = await self._sandbox.commands.run(command, timeout=_LISTING_S)
            return [RemoteFile(**json.loads(line)) for line in done.stdout.splitlines() if line]
        except Exception as error:  # the SDK's errors have no common root, and what it lists may be no list
            raise ProtocolError(e2b_errors.user_message(error)) from error

    async def fetch(self, file: RemoteFile, to: Path) -> None:
        """Bring a file here, piece by piece; it is there whole, or not.

        Raises:
            ProtocolError: it did not arrive as it is there.
        """
        path = f"{BASE if file.is_output else RUN}/{file.path}"
        try:
            to.parent.mkdir(parents=True, exist_ok=True)
            with replace_file(to) as part:
                size, digest = await self._patience.call(lambda: self._stream(path, part))
                if (size, digest) != (file.bytes, file.sha256):
                    raise ProtocolError(f"{size:,} of {file.bytes:,} bytes came, or others")
        except ProtocolError:
            raise
        except Exception as error:  # the SDK's errors have no common root, and the disk may refuse
            raise ProtocolError(e2b_errors.user_message(error)) from error

    async def _stream(self, path: str, part: Path) -> tuple[int, str]:
        digest, size = hashlib.sha256(), 0
        with part.open("wb") as to:
            async for piece in await self._sandbox.files.read(path, format="stream"):
                to.write(piece)
                digest.update(piece)
                size += len(piece)
        return size, digest.hexdigest()

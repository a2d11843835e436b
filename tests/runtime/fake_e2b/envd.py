"""What runs inside a sandbox of E2B, as far as the worker's transport uses it. The servers are the SDK's own stubs."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from connectrpc.code import Code
from connectrpc.errors import ConnectError
from e2b.envd.filesystem import filesystem_pb as fs
from e2b.envd.process import process_pb as pb

from tests.runtime.fake_e2b.process import CHUNK, Process


class Sandbox:
    """A folder, and the processes that run in it."""

    def __init__(self, name: str, root: Path, token: str, variables: dict[str, str]) -> None:
        self.name, self.root, self.token, self.variables = name, root, token, variables
        self.home = root / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        self.processes: dict[int, Process] = {}
        self.lives_until = 0.0

    def path(self, name: str) -> Path:
        """A path of the sandbox on this machine."""
        return self.home / (name or ".")

    def end(self) -> None:
        """Take every process along."""
        for process in self.processes.values():
            process.detach_all()
            process.kill()


class ProcessService:
    """Start, attach, write, signal."""

    def __init__(self, sandboxes: dict[str, Sandbox]) -> None:
        self._sandboxes = sandboxes

    def _of(self, ctx: Any) -> Sandbox:
        return self._sandboxes[ctx.request_headers["e2b-sandbox-id"]]

    def _process(self, request: Any, ctx: Any) -> Process:
        pid = request.process.selector.value
        process = self._of(ctx).processes.get(pid)
        if process is None:
            raise ConnectError(Code.NOT_FOUND, f"process with pid {pid} not found")
        return process

    async def start(self, request: Any, ctx: Any) -> AsyncIterator[Any]:
        sandbox, config = self._of(ctx), request.process
        variables = {**sandbox.variables, "HOME": str(sandbox.home), **dict(config.envs)}
        wants_stdin = not request.has_field("stdin") or request.stdin
        child = await asyncio.create_subprocess_exec(
            config.cmd,
            *config.args,
            stdin=asyncio.subprocess.PIPE if wants_stdin else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=CHUNK,
            cwd=sandbox.path(config.cwd if config.has_field("cwd") else ""),
            env=variables,
            start_new_session=True,
        )
        process = sandbox.processes[child.pid] = Process(child, config)
        limit = ctx.timeout_ms
        async for event in process.stream():
            if event.field == "start" and limit is not None:
                asyncio.get_running_loop().call_later(limit / 1000, self._late, process)
            yield pb.StartResponse(event=pb.ProcessEvent(event=event))

    def _late(self, process: Process) -> None:
        """The time of a command is over: it is killed, attached or not."""
        if process.ended is None:
            process.kill()

    async def connect(self, request: Any, ctx: Any) -> AsyncIterator[Any]:
        async for event in self._process(request, ctx).stream():
            yield pb.ConnectResponse(event=pb.ProcessEvent(event=event))

    async def send_input(self, request: Any, ctx: Any) -> Any:
        process = self._process(request, ctx)
        assert process.child.stdin is not None
        try:
            process.child.stdin.write(request.input.input.value)
            await process.child.stdin.drain()
        except (BrokenPipeError, ConnectionResetError) as error:
            raise ConnectError(Code.INTERNAL, f"error writing to stdin: {error}") from error
        return pb.SendInputResponse()

    async def send_signal(self, request: Any, ctx: Any) -> Any:
        os.kill(self._process(request, ctx).pid, signal.Signals(int(request.signal)))
        return pb.SendSignalResponse()

    async def list(self, request: Any, ctx: Any) -> Any:
        living = [process for process in self._of(ctx).processes.values() if process.ended is None]
        return pb.ListResponse(
            processes=[pb.ProcessInfo(pid=process.pid, config=process.config) for process in living]
        )

    async def stream_input(self, request: Any, ctx: Any) -> Any:
        raise ConnectError(Code.UNIMPLEMENTED, "not here")

    async def close_stdin(self, request: Any, ctx: Any) -> Any:
        raise ConnectError(Code.UNIMPLEMENTED, "not here")

    async def update(self, request: Any, ctx: Any) -> Any:
        raise ConnectError(Code.UNIMPLEMENTED, "not here")


class FilesystemService:
    """Sizes of files."""

    def __init__(self, sandboxes: dict[str, Sandbox]) -> None:
        self._sandboxes = sandboxes

    async def stat(self, request: Any, ctx: Any) -> Any:
        path = self._sandboxes[ctx.request_headers["e2b-sandbox-id"]].path(request.path)
        if not path.exists():
            raise ConnectError(Code.NOT_FOUND, f"file not found: {request.path}")
        kind = fs.FileType.DIRECTORY if path.is_dir() else fs.FileType.FILE
        info = fs.EntryInfo(
            name=path.name,
            type=kind,
            path=str(path),
            size=path.stat().st_size,
            mode=0o644,
            permissions="-rw-r--r--",
            owner="user",
            group="user",
        )
        return fs.StatResponse(entry=info)

    def __getattr__(self, name: str) -> Any:
        async def absent(request: Any, ctx: Any) -> Any:
            raise ConnectError(Code.UNIMPLEMENTED, f"{name} is not here")

        return absent

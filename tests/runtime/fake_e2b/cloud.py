"""A stand-in for E2B on the loopback: the real SDK talks to it. Not E2B, and no virtual machine.

Its faults are set from the test: a status to answer with, streams to cut, a sandbox to let expire.
"""

import asyncio
import os
import secrets
import socket
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from e2b.envd.filesystem.filesystem_connect import FilesystemASGIApplication
from e2b.envd.process.process_connect import ProcessASGIApplication
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.runtime.fake_e2b.envd import FilesystemService, ProcessService, Sandbox
from tests.runtime.faulty import REPO

KEY = "e2b_" + "5" * 40


class Cloud:
    """The control plane, and the way to each sandbox.

    Attributes:
        sandboxes: those that live.
        created: how many were ever created.
        faults: for each request to come whose path contains the first word: the status it gets instead of an answer.
        extended: how often a lifetime was extended.
        reuses_home: True if all sandboxes have the same home, as after a resume or from a snapshot.
        before_download: called with the path of each file that is about to be sent.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.sandboxes: dict[str, Sandbox] = {}
        self.created = 0
        self.extended = 0
        self.asked: list[str] = []
        self.faults: deque[tuple[str, int]] = deque()
        self.reuses_home = False
        self.before_download: Callable[[Path], None] = lambda _: None
        self._by_key: dict[str, str] = {}
        self._process = ProcessASGIApplication(ProcessService(self.sandboxes))
        self._files = FilesystemASGIApplication(FilesystemService(self.sandboxes))
        self.loop: asyncio.AbstractEventLoop | None = None
        self.url = ""
        self._rest = Starlette(
            routes=[
                Route("/sandboxes", self._create, methods=["POST"]),
                Route("/v2/sandboxes", self._create, methods=["POST"]),
                Route("/sandboxes/{id}", self._kill, methods=["DELETE"]),
                Route("/sandboxes/{id}/timeout", self._extend, methods=["POST"]),
                Route("/files", self._upload, methods=["POST"]),
                Route("/files", self._download, methods=["GET"]),
                Route("/health", self._health, methods=["GET"]),
            ]
        )

    # --- what tests do to it

    def cut(self) -> None:
        """Break every stream that is open now."""
        self._soon(lambda: [process.detach_all() for process in self._processes()])

    def mute(self) -> None:
        """Let every stream that is open now say no more, without closing it."""
        self._soon(lambda: [process.attached.clear() for process in self._processes()])

    def expire(self) -> None:
        """Let every sandbox reach the end of its lifetime."""
        self._soon(self._end_all)

    def environment(self) -> dict[str, str]:
        """What points the SDK here."""
        return {**os.environ, "E2B_API_KEY": KEY, "E2B_API_URL": self.url, "E2B_SANDBOX_URL": self.url}

    def _processes(self) -> Iterator[Any]:
        return (process for sandbox in self.sandboxes.values() for process in sandbox.processes.values())

    def _soon(self, do: Any) -> None:
        assert self.loop is not None
        done = threading.Event()
        self.loop.call_soon_threadsafe(lambda: (do(), done.set()))
        assert done.wait(10)

    def _end_all(self) -> None:
        while self.sandboxes:
            self.sandboxes.popitem()[1].end()

    # --- what it answers

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._rest(scope, receive, send)
            return
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        app = self._app(scope["path"], headers)
        await app(scope, receive, send)

    def _app(self, path: str, headers: dict[str, str]) -> Any:
        self.asked.append(path)
        if self.faults and self.faults[0][0] in path:
            return _error(self.faults.popleft()[1], "as the test wants it")
        name = headers.get("e2b-sandbox-id")
        if name is None or path.startswith(("/sandboxes", "/v2/")):
            return self._rest if headers.get("x-api-key") == KEY else _error(401, "Invalid API key")
        if name not in self.sandboxes or time.time() > self.sandboxes[name].lives_until:
            return _error(502, "The sandbox was not found")
        if headers.get("x-access-token") != self.sandboxes[name].token and path != "/health":
            return _error(401, "unauthorized access")
        return {"process.Process": self._process, "filesystem.Filesystem": self._files}.get(
            path.split("/")[1], self._rest
        )

    async def _create(self, request: Request) -> Response:
        body = await request.json()
        key = request.headers.get("idempotency-key", "")
        name = self._by_key.get(key)
        if name is None or name not in self.sandboxes:
            self.created += 1
            name = self._by_key[key] = f"i{secrets.token_hex(8)}"
            python = str(Path(sys.executable).parent)
            variables = {"PATH": f"{python}:{os.environ['PATH']}", "PYTHONPATH": str(REPO)}
            root = self._folder / ("reused" if self.reuses_home else name)
            self.sandboxes[name] = Sandbox(name, root, secrets.token_hex(8), variables)
        sandbox = self.sandboxes[name]
        sandbox.lives_until = time.time() + int(body.get("timeout") or 15)
        described = {"templateID": body["templateID"], "sandboxID": name, "clientID": "fake"}
        return JSONResponse(
            {**described, "envdVersion": "0.6.13", "envdAccessToken": sandbox.token, "domain": None}, 201
        )

    async def _kill(self, request: Request) -> Response:
        sandbox = self.sandboxes.pop(request.path_params["id"], None)
        if sandbox is None:
            return _error(404, "not found")
        sandbox.end()
        return Response(status_code=204)

    async def _extend(self, request: Request) -> Response:
        sandbox = self.sandboxes.get(request.path_params["id"])
        if sandbox is None:
            return _error(404, "not found")
        self.extended += 1
        sandbox.lives_until = time.time() + int((await request.json())["timeout"])
        return Response(status_code=204)

    async def _health(self, request: Request) -> Response:
        return Response(status_code=204)

    def _path(self, request: Request, name: str) -> Path:
        return self.sandboxes[request.headers["e2b-sandbox-id"]].path(name)

    async def _upload(self, request: Request) -> Response:
        named = request.query_params.get("path", "")
        if request.headers.get("content-type", "").startswith("multipart/"):
            async with request.form() as form:
                for part in form.getlist("file"):
                    path = self._path(request, named or part.filename or "")  # type: ignore[union-attr]  a file part
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(await part.read())  # type: ignore[union-attr]  a file part
        else:
            path = self._path(request, named)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(await request.body())
        return JSONResponse([{"path": str(path), "name": path.name, "type": "file"}])

    async def _download(self, request: Request) -> Response:
        path = self._path(request, request.query_params.get("path", ""))
        self.before_download(path)
        if path.is_fifo() or path.is_char_device():
            return StreamingResponse(_endless(path), media_type="application/octet-stream")
        if not path.is_file():
            return _error(404, f"path {path} does not exist")
        return FileResponse(path, media_type="application/octet-stream")


async def _endless(path: Path) -> AsyncIterator[bytes]:
    """Send what a device sends; a pipe without a writer sends nothing."""
    while True:
        await asyncio.sleep(0.001)
        if path.is_char_device():
            yield bytes(65536)


def _error(status: int, message: str) -> JSONResponse:
    return JSONResponse({"code": status, "message": message}, status_code=status)


@contextmanager
def running() -> Iterator[Cloud]:
    """A cloud on a free port of the loopback, for as long as the block lasts; no process is left behind."""
    with tempfile.TemporaryDirectory(prefix="fake-e2b-") as folder:
        cloud = Cloud(Path(folder))
        # the protocol is named, so that asyncio turns Nagle's delay off
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.bind(("127.0.0.1", 0))
        cloud.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(cloud, log_level="critical", timeout_graceful_shutdown=1))
        started = threading.Event()
        thread = threading.Thread(target=_serve, args=(cloud, server, listening, started), name="fake-e2b")
        thread.start()
        assert started.wait(20)
        try:
            yield cloud
        finally:
            cloud.expire()
            server.should_exit = True
            thread.join(20)
            listening.close()


def _serve(cloud: Cloud, server: Any, listening: socket.socket, started: threading.Event) -> None:
    async def main() -> None:
        cloud.loop = asyncio.get_running_loop()
        serving = asyncio.ensure_future(server.serve(sockets=[listening]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        started.set()
        await serving

    asyncio.run(main())

"""The screens in a browser: whom the server answers, and what it says where it cannot be started."""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from osiris_inspect.cli.inspect import web
from osiris_inspect.cli.support.exit_codes import WrongUse
from osiris_inspect.model.errors import RunNotReadable
from tests.inspector.hostile_web import FOLDER, LOG, Request, answering, of_file, page, response
from tests.samples import SAMPLES

if TYPE_CHECKING:
    from aiohttp.test_utils import TestClient

RUN = str(SAMPLES / "all_spilled")


@pytest.mark.parametrize(
    ("host", "origin", "is_ours"),
    [
        ("127.0.0.1:8000", None, True),
        ("localhost:8000", "http://localhost:8000", True),
        ("127.0.0.1:8000", "http://127.0.0.1:8000", True),
        ("localhost:8000", "http://127.0.0.1:8000", False),
        ("127.0.0.1:8000", "http://elsewhere.example", False),
        ("127.0.0.1:8000", "http://127.0.0.1:9000", False),
        ("127.0.0.1:8000", "null", False),
        ("elsewhere.example:8000", "http://elsewhere.example:8000", False),
        ("127.0.0.1:9000", None, False),
        ("", None, False),
    ],
)
def test_only_pages_of_this_server_are_answered(host: str, origin: str | None, *, is_ours: bool) -> None:
    assert web.is_same_origin(host, origin, 8000) is is_ours


TOKEN = "correct-horse-battery-staple"
OURS = {"Host": "127.0.0.1:8000"}


@asynccontextmanager
async def client() -> "AsyncIterator[TestClient]":  # type: ignore[type-arg]  # of the application and its request
    pytest.importorskip("textual_serve", reason="the extra 'web' is not installed")
    from aiohttp import DummyCookieJar
    from aiohttp.test_utils import TestClient, TestServer

    app = await web._server(RUN, 8000, TOKEN)._make_app()
    async with TestClient(TestServer(app), cookie_jar=DummyCookieJar()) as found:
        yield found


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1:8000", 200), ("elsewhere.example:8000", 403)])
async def test_the_server_turns_strangers_away(host: str, status: int) -> None:
    async with client() as visitor:
        for path in ("/", "/static/"):
            headers = {"Host": host, "Cookie": f"osiris-inspect-8000={TOKEN}"}
            answer = await visitor.get(path, headers=headers)
            assert answer.status == status


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Cookie": "osiris-inspect-8000="},
        {"Cookie": "osiris-inspect-8000=wrong"},
        {"Cookie": f"osiris-inspect-8000={TOKEN[:-1]}"},
        {"Cookie": f"osiris-inspect-9000={TOKEN}"},
        {"Cookie": "osiris-inspect-8000=\u00e9\u4e2d"},
        {"Authorization": f"Bearer {TOKEN}"},
        {"Referer": f"http://127.0.0.1:8000/?token={TOKEN}"},
    ],
)
@pytest.mark.parametrize("path", ["/", "/?token=", "/?token=wrong", "/static/", "/static/js/textual.js", "/download/x", "/ws?width=80&height=24", "/nothing"])  # fmt: skip
async def test_request_without_the_token_is_refused(path: str, headers: dict[str, str]) -> None:
    async with client() as visitor:
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}  # fmt: skip
        answer = await visitor.get(path, headers={**OURS, **headers, **(upgrade if "/ws" in path else {})})
        assert answer.status == 403
        assert "set-cookie" not in answer.headers
        assert TOKEN not in await answer.text()


async def test_token_of_the_address_becomes_a_cookie() -> None:
    async with client() as visitor:
        answer = await visitor.get(f"/?token={TOKEN}", headers=OURS, allow_redirects=False)

    assert (answer.status, answer.headers["Location"]) == (302, "/")
    assert answer.headers["Set-Cookie"] == f"osiris-inspect-8000={TOKEN}; HttpOnly; Path=/; SameSite=Strict"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("origin", ["http://elsewhere.example", "http://127.0.0.1:9000", "null"])
async def test_page_of_another_origin_is_refused_with_the_token(origin: str) -> None:
    async with client() as visitor:
        for path in ("/", f"/?token={TOKEN}", "/ws"):
            headers = {**OURS, "Origin": origin, "Cookie": f"osiris-inspect-8000={TOKEN}"}
            answer = await visitor.get(path, headers=headers)
            assert answer.status == 403


async def test_the_page_asks_nobody_else_for_anything_and_takes_the_keys() -> None:
    async with client() as visitor:
        answer = await visitor.get("/", headers={**OURS, "Cookie": f"osiris-inspect-8000={TOKEN}"})
        policy = answer.headers["Content-Security-Policy"]
        text = await answer.text()
    assert policy.startswith("default-src 'self'")
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy
    assert TOKEN not in text
    assert text.count("keys.focus()") == 1
    assert text.index("keys.focus()") < text.index("</body>")


@asynccontextmanager
async def serving(shown: str, cwd: Path) -> "AsyncIterator[tuple[str, subprocess.Popen[str]]]":
    """Start the command as a user does, and yield the address that it prints."""
    pytest.importorskip("textual_serve", reason="the extra 'web' is not installed")
    port = _free_port()
    command = [sys.executable, "-P", "-m", "osiris_inspect", "open", shown, "--web", "--port", str(port)]
    env = {**os.environ, "XDG_CACHE_HOME": str(cwd)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=cwd, env=env) as server:
        try:
            await _listening(server, port)
            assert server.stderr is not None
            printed = server.stderr.readline()
            address = re.fullmatch(
                r"osiris-inspect: (http://127\.0\.0\.1:\d+/\?token=[\w-]{43}) shows .*; Ctrl-C stops it\n",
                printed,
            )
            assert address is not None, printed
            assert "pass-word-1" not in printed
            yield address[1], server
        finally:
            server.send_signal(signal.SIGINT)
            server.communicate(timeout=60)


async def test_a_visit_shows_the_run(tmp_path: Path) -> None:
    async with serving(RUN, tmp_path) as (address, _):
        from aiohttp import ClientSession, CookieJar, WSServerHandshakeError

        base = address.partition("/?")[0]
        socket_address = f"ws{base.removeprefix('http')}/ws?width=80&height=24"
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
            with pytest.raises(WSServerHandshakeError, match="403"):
                await session.ws_connect(socket_address)
            async with session.get(address) as first:
                assert (first.status, str(first.url)) == (200, f"{base}/")
            with pytest.raises(WSServerHandshakeError, match="403"):
                await session.ws_connect(socket_address, origin="http://elsewhere.example")
            async with session.ws_connect(socket_address, origin=base) as visit:
                seen = b""
                async with asyncio.timeout(60):
                    while b"Timeline" not in seen:
                        message = await visit.receive()
                        assert message.data is not None, seen[-500:]
                        seen += (
                            message.data if isinstance(message.data, bytes) else str(message.data).encode()
                        )


_OTHER_USER = """
import glob, os, sys, urllib.error, urllib.request
base, token = sys.argv[1:]
for path in ("/", "/static/", "/ws", "/download/x"):
    try:
        urllib.request.urlopen(base + path, timeout=10)
        print("answered", path)
    except urllib.error.HTTPError as error:
        print(error.code)
for name in glob.glob("/proc/[0-9]*/cmdline") + glob.glob("/proc/[0-9]*/environ"):
    if name.split("/")[2] == str(os.getpid()):
        continue
    try:
        if token.encode() in open(name, "rb").read():
            print("token in", name)
    except OSError:
        pass
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
@pytest.mark.skipif(shutil.which("python3", path="/usr/bin:/bin") is None, reason="no Python for all users")
async def test_another_user_of_the_machine_is_refused(tmp_path: Path) -> None:
    async with serving(RUN, tmp_path) as (address, _):
        base, _, token = address.partition("/?token=")
        other = await asyncio.create_subprocess_exec(
            "python3", "-I", "-", base, token[:20], stdin=-1, stdout=-1, user=65534, group=65534, cwd="/", env={"PATH": "/usr/bin:/bin"}
        )  # fmt: skip
        told, _ = await other.communicate(_OTHER_USER.encode())

    assert told.decode().split() == ["403"] * 4


async def test_credentials_of_a_remote_run_are_not_printed(tmp_path: Path) -> None:
    def answer(request: Request) -> bytes:
        if request.path == f"{FOLDER}/":
            return page("events.jsonl")
        return of_file(request, LOG) if request.path.endswith("/events.jsonl") else response(status=404)

    with answering(answer) as remote:
        async with serving(remote.address.replace("http://", "http://ann:pass-word-1@"), tmp_path) as (
            _,
            server,
        ):
            server.send_signal(signal.SIGINT)
            assert server.communicate(timeout=60)[1] == ""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
    return port


async def _listening(server: "subprocess.Popen[str]", port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and server.poll() is None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            await writer.wait_closed()
            return
    raise AssertionError("the server does not listen")


def test_without_the_extra_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "textual_serve.server", None)
    with pytest.raises(WrongUse, match=r"install .*'textual-serve<2,>=1\.1'"):
        web.serve(RUN)


def test_what_is_no_run_is_said_before_a_server_is_started(tmp_path: Path) -> None:
    with pytest.raises(RunNotReadable):
        web.serve(str(tmp_path / "nothing"))

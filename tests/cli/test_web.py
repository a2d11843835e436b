"""The screens in a browser: whom the server answers, and what it says where it cannot be started."""

import asyncio
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from osiris_inspect.cli.inspect import web
from osiris_inspect.cli.support.exit_codes import WrongUse
from osiris_inspect.model.errors import RunNotReadable
from tests.samples import SAMPLES

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


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1:8000", 200), ("elsewhere.example:8000", 403)])
async def test_the_server_turns_strangers_away(host: str, status: int) -> None:
    pytest.importorskip("textual_serve", reason="the extra 'web' is not installed")
    from aiohttp.test_utils import TestClient, TestServer

    app = await web._server(RUN, 8000)._make_app()
    async with TestClient(TestServer(app)) as client:
        for page in ("/", "/static/"):
            answer = await client.get(page, headers={"Host": host})
            assert answer.status == status


async def test_the_page_asks_nobody_else_for_anything_and_takes_the_keys() -> None:
    pytest.importorskip("textual_serve", reason="the extra 'web' is not installed")
    from aiohttp.test_utils import TestClient, TestServer

    app = await web._server(RUN, 8000)._make_app()
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/", headers={"Host": "127.0.0.1:8000"})
        policy = answer.headers["Content-Security-Policy"]
        page = await answer.text()
    assert policy.startswith("default-src 'self'")
    assert "http" not in policy
    assert page.count("keys.focus()") == 1
    assert page.index("keys.focus()") < page.index("</body>")


async def test_a_visit_shows_the_run() -> None:
    pytest.importorskip("textual_serve", reason="the extra 'web' is not installed")
    from aiohttp import ClientSession

    port = _free_port()
    command = [sys.executable, "-m", "osiris_inspect", "open", RUN, "--web", "--port", str(port)]
    # a program of its own, as a user starts it: what a visit starts ends with it, not with this one's event loop
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            await _listening(server, port)
            async with (
                ClientSession() as session,
                session.ws_connect(f"ws://127.0.0.1:{port}/ws?width=80&height=24") as visit,
            ):
                seen = b""
                while b"Timeline" not in seen:
                    message = await visit.receive(timeout=60)
                    assert message.data is not None, seen[-500:]
                    seen += message.data if isinstance(message.data, bytes) else str(message.data).encode()
        finally:
            server.send_signal(signal.SIGINT)
            told = server.communicate(timeout=60)[1]
    assert f"http://127.0.0.1:{port} shows" in told


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
    with pytest.raises(WrongUse, match=r"pip install 'osiris-inspect\[web\]'"):
        web.serve(RUN)


def test_what_is_no_run_is_said_before_a_server_is_started(tmp_path: Path) -> None:
    with pytest.raises(RunNotReadable):
        web.serve(str(tmp_path / "nothing"))

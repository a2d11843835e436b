"""A web server that answers with the bytes a test chooses, whole responses with their heads."""

import socketserver
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.inspector.web import running

LOG = b'{"ts":1790000000.0,"event":"run_start"}\n{"ts":1790000001.0,"event":"run_end"}\n'
FOLDER = "/logs/run_1790000000000"


class Request(NamedTuple):
    """A request: its method, its path and its headers in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]


Answer = Callable[[Request], bytes | Iterable[bytes]]


@dataclass
class HostileWeb:
    """The server: its port and the requests it received."""

    port: int = 0
    requests: list[Request] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}{FOLDER}"


def response(body: bytes = b"", status: int = 200, **headers: str) -> bytes:
    """Return an honest response; a header replaces the usual one, and an empty one removes it."""
    usual = {
        "Content-Length": str(len(body)),
        "Content-Type": "application/octet-stream",
        "Connection": "close",
    }
    chosen = usual | {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in chosen.items() if value)
    return f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body


def page(*links: str) -> bytes:
    """Return a page that lists a folder."""
    text = "".join(f'<a href="{link}">x</a>\n' for link in links).encode()
    return response(text, Content_Type="text/html")


def of_file(request: Request, body: bytes) -> bytes:
    """Return the honest response to a request for a file, or for a part of it."""
    if "range" in request.headers:
        begin, _, end = request.headers["range"].removeprefix("bytes=").partition("-")
        part = body[int(begin) : int(end) + 1]
        return response(part, 206, Content_Range=f"bytes {begin}-{int(begin) + len(part) - 1}/{len(body)}")
    return response(body)


@contextmanager
def answering(answer: Answer) -> Iterator[HostileWeb]:
    """Serve on this machine until the block ends."""
    web = HostileWeb()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            words = self.rfile.readline(100_000).decode("latin-1").split()
            headers = {}
            while (line := self.rfile.readline(100_000).decode("latin-1").strip()) != "":
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            if len(words) < 2:
                return
            request = Request(words[0], words[1], headers)
            web.requests.append(request)
            answered = answer(request)
            if request.method == "HEAD" and isinstance(answered, bytes):
                answered = answered.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
            try:
                for block in (answered,) if isinstance(answered, bytes) else answered:
                    self.wfile.write(block)
            except OSError:
                return  # the client has given up, as it should

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False
        request_queue_size = 100

    with Server(("127.0.0.1", 0), Handler) as server:
        web.port = server.server_address[1]
        with running(server):
            yield web

"""A web server of files that counts the bytes it sends: with parts of files or without, with listings or without."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseServer
from urllib.parse import quote, unquote


@dataclass
class Web:
    """What is served and what was sent so far.

    Attributes:
        gives_ranges, gives_listings: what the server can do.
        sent: bytes of bodies by path.
    """

    root: Path
    gives_ranges: bool = True
    gives_listings: bool = True
    port: int = 0
    sent: dict[str, int] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def sent_of(self, suffix: str) -> int:
        """Bytes sent of files whose name ends like that."""
        return sum(count for path, count in self.sent.items() if path.endswith(suffix))

    @property
    def total(self) -> int:
        return sum(self.sent.values())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"  # a connection that is kept would be served after the end

    def __init__(self, web: Web, *rest: object) -> None:
        self.web = web
        super().__init__(*rest)  # type: ignore[arg-type]  # what a server hands to each of its handlers

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        path = self.web.root / unquote(self.path).lstrip("/")
        if path.is_dir() and self.web.gives_listings:
            names = sorted(child.name + "/" * child.is_dir() for child in path.iterdir())
            links = "".join(f'<a href="{quote(name)}">{name}</a>\n' for name in names)
            self._send(200, {"Content-Type": "text/html"}, links.encode(), with_body=with_body)
        elif path.is_file():
            self._send_file(path, with_body=with_body)
        else:
            self._send(404, {}, b"", with_body=with_body)

    def _send_file(self, path: Path, *, with_body: bool) -> None:
        size = path.stat().st_size
        begin, end, code = 0, size, 200
        if self.web.gives_ranges and (wanted := self.headers.get("Range")):
            low, _, high = wanted.removeprefix("bytes=").partition("-")
            begin, end, code = int(low), min(size, int(high) + 1), 206
        with path.open("rb") as stream:
            stream.seek(begin)
            body = stream.read(end - begin) if with_body else b""
        headers = {
            "ETag": f'"{path.stat().st_mtime_ns:x}-{size:x}"',
            "Content-Type": "application/octet-stream",
        }
        if code == 206:
            headers["Content-Range"] = f"bytes {begin}-{end - 1}/{size}"
        self._send(code, headers, body, with_body=with_body, length=end - begin)

    def _send(
        self, code: int, headers: dict[str, str], body: bytes, *, with_body: bool, length: int | None = None
    ) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if with_body:
            self.web.sent[self.path] = self.web.sent.get(self.path, 0) + len(body)
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def running(server: BaseServer) -> Iterator[None]:
    """Answer requests in a thread until the block ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


@contextmanager
def serving(root: Path, *, gives_ranges: bool = True, gives_listings: bool = True) -> Iterator[Web]:
    """Serve a folder on this machine until the block ends."""
    web = Web(root, gives_ranges, gives_listings)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, web)) as server:
        server.daemon_threads = True
        web.port = server.server_address[1]
        with running(server):
            yield web

"""``--web``: the viewer in a browser on this machine, with textual-serve.

Each visit starts a process that shows the same path. The server listens on the loopback interface, which all users of
the machine can reach, so each request needs a token: the printed address has it, and the first answer puts it into a
cookie. Requests from pages of other origins are rejected. The page loads nothing from other servers.
"""

import hmac
import secrets
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from osiris_inspect.base.child_command import module_command
from osiris_inspect.base.install_hint import install_extras_command
from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.exit_codes import WrongUse

if TYPE_CHECKING:
    from aiohttp import web

HOST = "127.0.0.1"
_LOOPBACK_HOSTS = frozenset({HOST, "localhost"})
_POLICY = "default-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self' ws://{host}:{port}; frame-ancestors 'none'"
_FOCUS_SCRIPT = """<script>
new MutationObserver((_, watch) => {
  const keys = document.querySelector(".xterm-helper-textarea");
  if (keys && document.body.classList.contains("-first-byte")) { keys.focus(); watch.disconnect(); }
}).observe(document.body, {attributes: true, childList: true, subtree: true});
</script>
"""


def serve(chosen: str, port: int = 8000) -> None:
    """Serve a run, or the runs of a folder, until interrupted.

    Raises:
        RunNotReadable: the path has no run.
        WrongUse: textual-serve is not installed, or the port is taken.
    """
    from osiris_inspect.cli.support import paths as places
    from osiris_inspect.inspector.files.find_runs import find_runs
    from osiris_inspect.inspector.remote.url import without_credentials

    find_runs(places.resolve_path(Path(chosen)))  # reports a wrong path here, not in the browser
    token = secrets.token_urlsafe(32)
    server = _server(chosen, port, token)
    shown = without_credentials(places.remote_address(Path(chosen)) or chosen)
    streams.write_message(f"http://{HOST}:{port}/?token={token} shows {shown}; Ctrl-C stops it")
    try:
        server.serve()
    except OSError as error:
        raise WrongUse(
            f"--web: cannot listen on port {port}: {error.strerror or error}; choose another with --port"
        ) from error


def is_same_origin(host: str, origin: str | None, port: int) -> bool:
    """Return True if a request names this server as its host, and as its origin if it has one."""
    url = urlsplit(f"//{host}")
    if url.hostname not in _LOOPBACK_HOSTS or (url.port or 80) != port:
        return False
    return origin is None or urlsplit(origin)[:2] == ("http", host)


def _server(chosen: str, port: int, token: str) -> Any:
    """Return a server that answers only requests with the token, in the query or in the cookie."""
    try:
        from aiohttp import web
        from textual_serve.server import Server
    except ModuleNotFoundError:
        raise WrongUse(
            f"--web needs 'textual-serve'; install it with: {install_extras_command('web')}"
        ) from None

    @web.middleware
    async def guard(request: "web.Request", handler: Any) -> Any:
        if not is_same_origin(request.headers.get("Host", ""), request.headers.get("Origin"), port):
            raise web.HTTPForbidden(text="only pages of this server may use it")
        if _is_token(request.query.get("token"), token):
            first = web.HTTPFound("/")  # the token does not stay in the address of the page
            first.set_cookie(cookie, token, httponly=True, samesite="Strict")
            raise first
        if not _is_token(request.cookies.get(cookie), token):
            raise web.HTTPForbidden(text="open the address that 'osiris-inspect open --web' printed")
        return await handler(request)

    async def add_policy(_request: "web.Request", response: "web.StreamResponse") -> None:
        response.headers["Content-Security-Policy"] = _POLICY.format(host=HOST, port=port)
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"

    cookie = f"osiris-inspect-{port}"  # browsers send the cookies of a host to all of its ports

    class Guarded(Server):
        """A server that prints nothing and applies the rules above."""

        async def _make_app(self) -> "web.Application":
            app = await super()._make_app()
            app.middlewares.append(guard)
            app.on_response_prepare.append(add_policy)
            return app

        async def handle_index(self, request: "web.Request") -> "web.StreamResponse":
            """Return the page, with a script that focuses the terminal."""
            page = await super().handle_index(request)
            if isinstance(page, web.Response):
                page.text = (page.text or "").replace("</body>", f"{_FOCUS_SCRIPT}</body>")
            return page

        async def on_startup(self, app: "web.Application") -> None:
            """Print nothing."""

        def initialize_logging(self) -> None:
            """Log nothing."""

    from osiris_inspect.cli.support.paths import remote_arguments

    words = (chosen, *remote_arguments())
    command = shlex.join(module_command("osiris_inspect.cli.inspect.web", *words))
    return Guarded(command, host=HOST, port=port, title="osiris-inspect")


def _is_token(text: str | None, token: str) -> bool:
    return text is not None and hmac.compare_digest(text.encode("utf-8", "replace"), token.encode())


def _run_visit(chosen: str, max_bytes: str | None = None, *hosts: str) -> None:
    """Run the viewer of one visit, without startup lines and without an editor."""
    import time

    from osiris_inspect.cli.inspect import launch_tui
    from osiris_inspect.cli.support import paths as places
    from osiris_inspect.tui.app import run_app

    places.set_remote_limits(max_bytes, hosts)
    path = places.resolve_path(Path(chosen))
    host = launch_tui.host_services(path)._replace(startup_lines=(), edit=None, copy=None)
    run_app(path, launch_tui.data_source(), clock=time.time, host=host)


if __name__ == "__main__":
    _run_visit(*sys.argv[1:])

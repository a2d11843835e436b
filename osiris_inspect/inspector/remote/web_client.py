"""HTTP requests below one address: time-outs, bounded bodies, and no redirect to a place the user did not name."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar
from weakref import finalize

import aiohttp
from fsspec.asyn import get_loop, sync
from fsspec.implementations.http import HTTPFileSystem
from yarl import URL

from osiris_inspect.inspector.remote.remote import MAX_PARALLEL, TIMEOUT_S, RemoteLimits
from osiris_inspect.inspector.remote.url import without_credentials
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.errors import RunNotReadable

T = TypeVar("T")
MIN_BYTES_PER_S: Final = 10_000
"""A body that arrives more slowly for longer than ``TIMEOUT_S`` is given up."""
MAX_REDIRECTS: Final = 5
_REDIRECTS: Final = (301, 302, 303, 307, 308)


class RedirectRefused(RunNotReadable):
    """A redirect to a place that the user did not name."""


class WebClient:
    """Requests to the server of an address; methods may be called from any thread.

    The body of a response is passed on as it was sent: compressed bodies are refused, so that the number of received
    bytes is the number of stored ones. Credentials of the address are sent to its own origin only.
    """

    def __init__(self, address: str, limits: RemoteLimits) -> None:
        url = URL(address)
        self.root = url.with_user(None)
        self._limits = limits
        self._auth = {"Authorization": _basic(url)} if url.user else {}
        self._session: aiohttp.ClientSession | None = None
        self._places = asyncio.Semaphore(MAX_PARALLEL)

    def run(self, coroutine: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine in the thread of fsspec's event loop and return its result."""
        result: T = sync(get_loop(), coroutine)
        return result

    @asynccontextmanager
    async def request(
        self, method: str, url: URL, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request; follow redirects inside the address and to hosts that the user named.

        Raises:
            RunNotReadable: there is no response, or it is compressed.
        """
        session = self._open_session()
        asked = url
        async with self._places:
            for _ in range(MAX_REDIRECTS + 1):
                auth = self._auth if url.origin() == self.root.origin() else {}
                try:
                    async with asyncio.timeout(TIMEOUT_S):
                        response = await session.request(
                            method, url, headers={**(headers or {}), **auth}, allow_redirects=False
                        )
                except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                    raise _failure(asked, error) from error
                async with response:
                    location = response.headers.get("Location") if response.status in _REDIRECTS else None
                    if location is None:
                        _check_encoding(asked, response)
                        yield response
                        return
                    url = self._redirected(asked, url, location)
        raise _not_fetched(asked, f"more than {MAX_REDIRECTS} redirects")

    async def read(
        self, url: URL, response: aiohttp.ClientResponse, limit: int, write: Callable[[bytes], object]
    ) -> int:
        """Pass the body of a response to ``write`` and return its size.

        Raises:
            RunNotReadable: it has more than ``limit`` bytes, ends too early, or arrives too slowly.
        """
        loop = asyncio.get_running_loop()
        began, size = loop.time(), 0
        try:
            async for block in response.content.iter_any():
                size += len(block)
                if size > limit:
                    self._limits.check(size, str(url))
                    raise _not_fetched(
                        url, f"the server sent more than the {limit:,} bytes that were requested"
                    )
                write(block)
                seconds = loop.time() - began
                if seconds > TIMEOUT_S and size < seconds * MIN_BYTES_PER_S:
                    raise _not_fetched(
                        url, f"the server sends less than {MIN_BYTES_PER_S // 1000} kB a second"
                    )
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise _failure(url, error) from error
        return size

    def _open_session(self) -> aiohttp.ClientSession:
        """Return the session, which belongs to the event loop; its limits hold for each request."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=TIMEOUT_S, sock_read=TIMEOUT_S),
                headers={"Accept-Encoding": "identity"},
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
            finalize(self, HTTPFileSystem.close_session, get_loop(), self._session)
        return self._session

    def _redirected(self, asked: URL, url: URL, location: str) -> URL:
        """Return where a response redirects to.

        Raises:
            RunNotReadable: the user did not name that place.
        """
        try:
            target = url.join(URL(location)).with_user(None).with_fragment(None)
        except ValueError as error:
            raise _not_fetched(asked, "the server redirects to an invalid address") from error
        is_named = _host(target) in self._limits.redirect_hosts
        is_secure = target.scheme == "https" or (target.scheme == url.scheme == "http")
        if not is_secure or not (is_named or self._is_inside(target)):
            place = excerpt(str(target.with_query(None)), 200)
            raise RedirectRefused(
                f"{str(asked)!r} cannot be fetched: the server redirects to {place!r}, which is not below the address; "
                f"open that address, or allow its host with --allow-redirect {excerpt(_host(target), 100)}"
            )
        return target

    def _is_inside(self, target: URL) -> bool:
        is_same_server = target.host == self.root.host and (
            target.port == self.root.port or (target.is_default_port() and self.root.is_default_port())
        )
        is_below = f"{target.path}/".startswith(f"{self.root.path.rstrip('/')}/")
        return is_same_server and is_below and not {".", ".."}.intersection(target.path.split("/"))


def _host(url: URL) -> str:
    return (url.host or "") if url.is_default_port() else f"{url.host}:{url.port}"


def _basic(url: URL) -> str:
    return "Basic " + b64encode(f"{url.user}:{url.password or ''}".encode()).decode()


def _check_encoding(url: URL, response: aiohttp.ClientResponse) -> None:
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise _not_fetched(url, f"the server compresses its responses ({excerpt(encoding, 20)})")


def _not_fetched(url: URL, reason: str) -> RunNotReadable:
    return RunNotReadable(f"{str(url)!r} cannot be fetched: {reason}")


def _failure(url: URL, error: Exception) -> RunNotReadable:
    if isinstance(error, TimeoutError):
        return _not_fetched(url, f"the server did not answer for {TIMEOUT_S:.0f} seconds")
    if isinstance(error, aiohttp.ClientPayloadError):
        return _not_fetched(url, "the connection ended before the whole file had arrived")
    if isinstance(error, aiohttp.ClientResponseError):
        return _not_fetched(url, "the answer is not valid HTTP")
    text = without_credentials(" ".join(str(error).split())).rstrip(".")
    return _not_fetched(
        url, f"{type(error).__name__}: {excerpt(text, 300)}" if text else type(error).__name__
    )

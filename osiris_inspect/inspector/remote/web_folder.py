"""A folder on a web server. The server is not trusted: names, sizes and lengths are checked against what arrives."""

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from email.utils import parsedate_to_datetime
from html import unescape
from itertools import islice
from typing import Any, Final, TypeVar
from urllib.parse import quote, unquote

from aiohttp import ClientResponse
from yarl import URL

from osiris_inspect.inspector.remote.remote import (
    ByteRange,
    Files,
    RemoteLimits,
    RemoteStat,
    run_files_first,
    without_children_of_files,
)
from osiris_inspect.inspector.remote.url import is_inside, without_credentials
from osiris_inspect.inspector.remote.web_client import RedirectRefused, WebClient
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import RunNotReadable

T = TypeVar("T")
MAX_LISTING_BYTES: Final = 4 << 20
MAX_LINKS: Final = 20_000
"""Maximum number of links of a listing that are looked at."""
MAX_FILES: Final = 2_000
"""Maximum number of files of a run; each of them is a request."""
MAX_DEPTH: Final = 6
"""Maximum number of folders between a run and its file."""
MAX_FOLDERS: Final = 1_000
"""Maximum number of folders of a run."""
_LINK: Final = re.compile(r"""(?i)\bhref\s?=\s?["']([^"'<>]{1,2000})""")
_MISSING: Final = (404, 410)
_CLOSED: Final = (403, 405)
"""Answers of servers that do not list folders, or do not reveal which files they lack."""
_PAGE: Final = "text/html"


class WebFolder:
    """A folder on a web server; see ``RemoteFolder``."""

    def __init__(self, address: str, limits: RemoteLimits) -> None:
        self.address = without_credentials(address)
        self.limits = limits
        self._client = WebClient(address, limits)

    def list_dir(self, relative: str) -> dict[str, RemoteStat | None]:
        """Return the folders and the files of a run in a folder; empty if the server lists nothing."""
        names = self._run(lambda: self._listing(relative))
        markers = [name for name in names if layout.is_marker(name)]
        folders = {name.rstrip("/"): None for name in names if name.endswith("/")}
        return {**folders, **self._run(lambda: self._stats(relative, markers, is_listed=True))}

    def list_recursive(self, relative: str) -> Files:
        """Return the files below a folder, those of a run first; the listings are cut before files are requested."""
        names, is_partial = self._run(lambda: self._walk(relative))
        kept = run_files_first(without_children_of_files(names))
        files = self._run(lambda: self._stats(relative, kept[:MAX_FILES], is_listed=True))
        return Files(files, is_partial or len(files) < len(names))

    def stat_many(self, relative: str, names: Iterable[str]) -> dict[str, RemoteStat]:
        """Return those of the named files that exist below a folder that may not be listed."""
        return self._run(lambda: self._stats(relative, list(names), is_listed=False))

    def read(self, ranges: Sequence[ByteRange]) -> list[bytes]:
        """Return the bytes of each range, in order."""
        return self._run(lambda: _gather(self._range(requested) for requested in ranges))

    def supports_ranges(self, file: RemoteStat) -> bool:
        """Return True if the server announces a size and sends a part of a file."""

        async def probe() -> bool:
            async with self._client.request("GET", URL(file.name), {"Range": "bytes=0-0"}) as response:
                return response.status == 206

        return file.size is not None and (file.size == 0 or self._run(probe))

    def download(self, file: RemoteStat, write: Callable[[bytes], object]) -> None:
        """Pass the blocks of a whole file to ``write``."""

        async def fetch() -> None:
            url = URL(file.name)
            async with self._client.request("GET", url) as response:
                _check_file(url, response)
                await self._client.read(url, response, self.limits.max_bytes, write)

        self.limits.check(file.size or 0, file.name)
        self._run(fetch)

    def _run(self, coroutine: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return self._client.run(coroutine)

    def _url(self, relative: str) -> URL:
        parts = (quote(part, safe="") for part in relative.split("/") if part)
        return self._client.root.joinpath(*parts, encoded=True)

    # ── listings ──

    async def _walk(self, relative: str) -> tuple[set[str], bool]:
        """Return the names of the files below a folder, and True if there may be more."""
        files: set[str] = set()
        level, folders = [""], 1
        for _ in range(MAX_DEPTH):
            below: list[str] = []
            listings = await _gather(self._listing(f"{relative}/{folder}".strip("/")) for folder in level)
            for folder, names in zip(level, listings, strict=True):
                files |= {f"{folder}{name}" for name in names if not name.endswith("/")}
                below += [f"{folder}{name}" for name in names if name.endswith("/")]
            folders += len(below)
            if not below:
                return files, False
            if folders > MAX_FOLDERS or len(files) > MAX_FILES:
                break
            level = below
        return files, True

    async def _listing(self, relative: str) -> list[str]:
        """Return the names that the page of a folder links to, folders with a slash; empty without such a page."""
        url = self._url(relative) / ""
        content = bytearray()
        async with self._client.request("GET", url) as response:
            if response.status in (*_MISSING, *_CLOSED):
                return []
            _check_status(url, response)
            if response.content_type != _PAGE:
                return []
            await self._client.read(url, response, MAX_LISTING_BYTES, content.extend)
        return list(_links(content.decode("utf-8", "replace"), url))

    async def _stats(self, relative: str, names: Sequence[str], *, is_listed: bool) -> dict[str, RemoteStat]:
        stats = await _gather(
            self._stat(self._url(f"{relative}/{name}"), is_listed=is_listed) for name in names
        )
        return {name: stat for name, stat in zip(names, stats, strict=True) if stat is not None}

    async def _stat(self, url: URL, *, is_listed: bool) -> RemoteStat | None:
        """Return what the server says of a file; None if it has none.

        A guessed file may be answered with a page for people instead of 404; only the log has to be there.
        """
        try:
            async with self._client.request("HEAD", url) as response:
                if response.status not in (405, 501):
                    return _stat(url, response, is_listed=is_listed)
            async with self._client.request("GET", url) as response:
                return _stat(url, response, is_listed=is_listed)
        except RedirectRefused:
            if is_listed or url.name == layout.EVENTS:
                raise
            return None

    # ── bytes ──

    async def _range(self, requested: ByteRange) -> bytes:
        url, size = URL(requested.file.name), requested.end - requested.begin
        header = {"Range": f"bytes={requested.begin}-{requested.end - 1}"}
        content = bytearray()
        async with self._client.request("GET", url, header) as response:
            _check_file(url, response)
            sent = response.headers.get("Content-Range", "")
            expected = f"bytes {requested.begin}-{requested.end - 1}/"
            if response.status != 206 or not sent.startswith(expected):
                raise RunNotReadable(
                    f"{str(url)!r} cannot be fetched: the server did not send the requested bytes"
                )
            await self._client.read(url, response, size, content.extend)
        if len(content) != size:
            raise RunNotReadable(f"{str(url)!r} cannot be fetched: it changed while it was read")
        return bytes(content)


async def _gather(coroutines: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Return the results in order; the first failure cancels the rest."""
    tasks: list[asyncio.Task[T]] = []
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in coroutines]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]


def _links(page: str, url: URL) -> Iterator[str]:
    """Yield each name that a page links to and that lies directly in its folder."""
    seen = set()
    for match in islice(_LINK.finditer(page), MAX_LINKS):
        try:
            target = url.join(URL(unescape(match[1])))
            is_below = target.origin() == url.origin() and target.raw_path.startswith(url.raw_path)
        except ValueError:  # not an address
            continue
        if target.query or not is_below:
            continue
        raw = target.raw_path[len(url.raw_path) :]
        name = unquote(raw.rstrip("/"))
        if "/" not in name and is_inside(name) and raw.count("/") <= raw.endswith("/") and raw not in seen:
            seen.add(raw)
            yield name + "/" * raw.endswith("/")


def _stat(url: URL, response: ClientResponse, *, is_listed: bool) -> RemoteStat | None:
    is_log = url.name == layout.EVENTS
    if response.status in _MISSING or (response.status in _CLOSED and not is_listed and not is_log):
        return None
    if not is_listed and response.content_type == _PAGE:
        return None
    _check_status(url, response)
    size = response.content_length
    etag = response.headers.get("ETag") or response.headers.get("Last-Modified")
    return RemoteStat(str(url), size, etag or ("" if size is None else str(size)), _modified(response))


def _modified(response: ClientResponse) -> float | None:
    try:
        return parsedate_to_datetime(response.headers.get("Last-Modified", "")).timestamp()
    except (ValueError, OverflowError):
        return None


def _check_status(url: URL, response: ClientResponse) -> None:
    if response.status >= 300:
        raise RunNotReadable(f"{str(url)!r} cannot be fetched: the server answered {response.status}")


def _check_file(url: URL, response: ClientResponse) -> None:
    """Check that a response is a file and not a page for people, such as a form to log in."""
    _check_status(url, response)
    if response.content_type == _PAGE and not url.name.endswith((".html", ".htm")):
        raise RunNotReadable(
            f"{str(url)!r} cannot be fetched: the server sent a page for people; check whether it needs a login"
        )

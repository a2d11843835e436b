"""A folder elsewhere, by way of fsspec: listed, and read by ranges. The one room that imports fsspec, when it is asked."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import unquote

from osiris_inspect.inspector.remote.url import is_http, is_inside, without_credentials
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.errors import RunNotReadable

T = TypeVar("T")
AT_ONCE: Final = 16
"""Requests that are under way at one time."""
_TAGS: Final = ("ETag", "etag", "md5Hash", "Content-MD5", "LastModified", "Last-Modified", "mtime", "created")
_TIMES: Final = ("LastModified", "mtime", "created", "last_modified")


@dataclass(frozen=True, slots=True)
class RemoteStat:
    """A file elsewhere.

    Attributes:
        name: as its file system calls it.
        tag: changes when the content does.
        modified: seconds since 1970; None where that is not told.
    """

    name: str
    size: int
    etag: str
    modified: float | None = None


class ByteRange(NamedTuple):
    """Bytes of a file, from ``begin`` up to and without ``end``."""

    file: RemoteStat
    begin: int
    end: int


class RemoteFolder:
    """The folder at an address. What fsspec and the packages below it raise becomes one sentence."""

    def __init__(self, address: str) -> None:
        self.address = without_credentials(address)
        self._is_web = is_http(address)
        self._fs, self._root = self._readable_errors(lambda: _opened(address))

    def list_dir(self, relative: str) -> dict[str, RemoteStat | None]:
        """What lies directly in a folder, by name; None for a folder. A web server may tell of nothing."""
        folder = f"{self._root.rstrip('/')}/{relative}".rstrip("/")
        found = self._readable_errors(lambda: self._listed(folder))
        return {name: stat for name, stat in self._named(found, folder) if "/" not in name}

    def list_recursive(self, relative: str) -> dict[str, RemoteStat]:
        """Every file below a folder, by its name from there."""
        folder = f"{self._root.rstrip('/')}/{relative}".rstrip("/")
        found = self._readable_errors(lambda: self._found(folder))
        return {name: stat for name, stat in self._named(found, folder) if stat is not None}

    def stat_many(self, relative: str, names: Iterable[str]) -> dict[str, RemoteStat]:
        """Those of the named files below a folder that are there, where the folder itself cannot be listed."""
        folder = f"{self._root.rstrip('/')}/{relative}".rstrip("/")
        found = _each(lambda name: self._info(f"{folder}/{name}"), list(names))
        return {name: stat for name, stat in self._named([info for info in found if info], folder) if stat}

    def read(self, wanted: Sequence[ByteRange]) -> list[bytes]:
        """The bytes of each range, in order; several are asked for at once.

        Raises:
            RunNotReadable: one of them cannot be had.
        """
        if not wanted:
            return []
        names = [part.file.name for part in wanted]
        begins, ends = [part.begin for part in wanted], [part.end for part in wanted]
        pieces = self._readable_errors(lambda: self._fs.cat_ranges(names, begins, ends, on_error="raise"))
        return [self._fitting(piece, part) for piece, part in zip(pieces, wanted, strict=True)]

    def supports_ranges(self, file: RemoteStat) -> bool:
        """Whether a part of a file can be had without the rest of it; some web servers send the whole."""
        if not self._is_web or file.size < 2:
            return True
        return len(self._readable_errors(lambda: self._fs.cat_file(file.name, start=0, end=1))) == 1

    def _fitting(self, piece: bytes, wanted: ByteRange) -> bytes:
        size = wanted.end - wanted.begin
        if len(piece) > size and len(piece) >= wanted.end:  # the server sent all of it
            piece = piece[wanted.begin : wanted.end]
        if len(piece) != size:
            raise RunNotReadable(f"{self.address!r}: {wanted.file.name!r} changed while it was read")
        return piece

    def _listed(self, folder: str) -> list[dict[str, Any]]:
        return self._listing_or_none(lambda: list(self._fs.ls(folder, detail=True)))

    def _found(self, folder: str) -> list[dict[str, Any]]:
        return self._listing_or_none(lambda: list(self._fs.find(folder, detail=True).values()))

    def _listing_or_none(self, listed: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        """A listing; nothing where a web server gives files and no list of them."""
        try:
            return listed()
        except Exception as error:
            is_closed = isinstance(error, FileNotFoundError) or getattr(error, "status", None) in (403, 405)
            if self._is_web and is_closed:
                return []
            raise

    def _named(self, found: Iterable[dict[str, Any]], folder: str) -> list[tuple[str, RemoteStat | None]]:
        infos = [info for info in found if str(info["name"]).startswith(f"{folder}/")]
        asked = [info for info in infos if info.get("size") is None and info.get("type") == "file"]
        told = dict(zip([info["name"] for info in asked], _each(self._info, [info["name"] for info in asked]), strict=True))  # fmt: skip
        named = []
        for info in infos:
            name = (
                unquote(info["name"][len(folder) + 1 :]) if self._is_web else info["name"][len(folder) + 1 :]
            )
            full = info | (told.get(info["name"]) or {})
            if is_inside(name.rstrip("/")):
                named.append(
                    (name.rstrip("/"), None if info["type"] == "directory" else _stat(full, info["name"]))
                )
        return named

    def _info(self, name: str) -> dict[str, Any] | None:
        try:
            return {**self._fs.info(name), "name": name}
        except FileNotFoundError:
            return None

    def _readable_errors(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except RunNotReadable:
            raise
        except Exception as error:  # each file system raises errors of its own libraries
            raise RunNotReadable(f"{self.address!r}: {_words(error)}") from error


def _opened(address: str) -> tuple[Any, str]:
    core = import_module("fsspec.core")
    # an instance kept from before would know the endpoint and the listing of then
    fs, root = core.url_to_fs(address, skip_instance_cache=True, use_listings_cache=False)
    return fs, str(root)


def _each(ask: Callable[[str], T], names: Sequence[str]) -> list[T]:
    if not names:
        return []
    with ThreadPoolExecutor(min(AT_ONCE, len(names))) as pool:
        return list(pool.map(ask, names))


def _stat(info: dict[str, Any], name: str) -> RemoteStat:
    size = info.get("size")
    size = size if isinstance(size, int) else 0
    tag = next((str(info[key]) for key in _TAGS if info.get(key)), str(size))
    return RemoteStat(name, size, tag, next((_seconds(info[key]) for key in _TIMES if info.get(key)), None))


def _seconds(value: Any) -> float | None:
    if isinstance(value, datetime):
        return value.timestamp()
    return float(value) if isinstance(value, int | float) else None


def _words(error: Exception) -> str:
    """What went wrong, in one line that says what to do where that is known."""
    if isinstance(error, ImportError):
        lacking = " ".join(str(error).split()).rstrip(".")
        return f"{lacking}; what S3 and web servers need comes with the extra 'remote': pip install 'osiris-inspect[remote]'"
    if isinstance(error, ValueError) and "Protocol not known" in str(error):
        return "no kind of place that is known; s3, http, https, file and memory are, and what fsspec has packages for"
    if isinstance(error, FileNotFoundError):
        return "no such folder there"
    if isinstance(error, PermissionError):
        return "access denied; look at the credentials and what they may read"
    text = " ".join(str(error).split()).rstrip(".")
    return f"{type(error).__name__}: {excerpt(text, 300)}" if text else type(error).__name__

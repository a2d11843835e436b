"""A remote folder accessed through fsspec, which is imported on first use."""

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
MAX_PARALLEL: Final = 16
"""Maximum number of parallel requests."""
_TAGS: Final = ("ETag", "etag", "md5Hash", "Content-MD5", "LastModified", "Last-Modified", "mtime", "created")
_TIMES: Final = ("LastModified", "mtime", "created", "last_modified")


@dataclass(frozen=True, slots=True)
class RemoteStat:
    """A remote file.

    Attributes:
        name: its full name in the remote file system.
        etag: changes when the content does.
        modified: seconds since 1970; None if unknown.
    """

    name: str
    size: int
    etag: str
    modified: float | None = None


class ByteRange(NamedTuple):
    """Bytes of a file from ``begin`` to before ``end``."""

    file: RemoteStat
    begin: int
    end: int


class RemoteFolder:
    """The folder at an address. Errors of fsspec and its packages are raised as ``RunNotReadable``."""

    def __init__(self, address: str) -> None:
        self.address = without_credentials(address)
        self._is_web = is_http(address)
        self._fs, self._root = self._readable_errors(lambda: _connect(address))

    def list_dir(self, relative: str) -> dict[str, RemoteStat | None]:
        """Return the entries of a folder by name, None for a folder. A web server may list nothing."""
        folder = f"{self._root.rstrip('/')}/{relative}".rstrip("/")
        infos = self._listing(lambda: self._fs.ls(folder, detail=True))
        return {name: stat for name, stat in self._with_relative_names(infos, folder) if "/" not in name}

    def list_recursive(self, relative: str) -> dict[str, RemoteStat]:
        """Return every file below a folder by its relative name."""
        folder = f"{self._root.rstrip('/')}/{relative}".rstrip("/")
        infos = self._listing(lambda: self._fs.find(folder, detail=True).values())
        return {name: stat for name, stat in self._with_relative_names(infos, folder) if stat is not None}

    def stat_many(self, relative: str, names: Iterable[str]) -> dict[str, RemoteStat]:
        """Return those of the named files that exist below a folder that cannot be listed."""
        folder = f"{self._root.rstrip('/')}/{relative}".rstrip("/")
        infos = _each(lambda name: self._info(f"{folder}/{name}"), list(names))
        return {
            name: stat
            for name, stat in self._with_relative_names([info for info in infos if info], folder)
            if stat
        }

    def read(self, ranges: Sequence[ByteRange]) -> list[bytes]:
        """Return the bytes of each range, in order; they are requested in parallel.

        Raises:
            RunNotReadable: one of them cannot be read.
        """
        if not ranges:
            return []
        names = [requested.file.name for requested in ranges]
        begins, ends = [requested.begin for requested in ranges], [requested.end for requested in ranges]
        pieces = self._readable_errors(lambda: self._fs.cat_ranges(names, begins, ends, on_error="raise"))
        return [self._checked(piece, requested) for piece, requested in zip(pieces, ranges, strict=True)]

    def supports_ranges(self, file: RemoteStat) -> bool:
        """Return True if a part of a file can be requested; some web servers send the whole file."""
        if not self._is_web or file.size < 2:
            return True
        return len(self._readable_errors(lambda: self._fs.cat_file(file.name, start=0, end=1))) == 1

    def _checked(self, piece: bytes, requested: ByteRange) -> bytes:
        size = requested.end - requested.begin
        if len(piece) > size and len(piece) >= requested.end:  # the server sent the whole file
            piece = piece[requested.begin : requested.end]
        if len(piece) != size:
            raise RunNotReadable(f"{self.address!r}: {requested.file.name!r} changed while it was read")
        return piece

    def _listing(self, list_files: Callable[[], Iterable[dict[str, Any]]]) -> list[dict[str, Any]]:
        """Return a listing; empty if a web server does not list its files."""
        try:
            return list(list_files())
        except Exception as error:  # each file system raises errors of its own libraries
            is_closed = isinstance(error, FileNotFoundError) or getattr(error, "status", None) in (403, 405)
            if self._is_web and is_closed:
                return []
            raise self._not_readable(error) from error

    def _with_relative_names(
        self, infos: Iterable[dict[str, Any]], folder: str
    ) -> list[tuple[str, RemoteStat | None]]:
        below = {str(info["name"]): info for info in infos if str(info["name"]).startswith(f"{folder}/")}
        incomplete = [
            name for name, info in below.items() if info.get("size") is None and info.get("type") == "file"
        ]
        details = dict(zip(incomplete, _each(self._info, incomplete), strict=True))
        entries = []
        for full_name, info in below.items():
            name = full_name[len(folder) + 1 :]
            name = (unquote(name) if self._is_web else name).rstrip("/")
            if is_inside(name):
                stat = _stat(info | (details.get(full_name) or {}), full_name)
                entries.append((name, None if info["type"] == "directory" else stat))
        return entries

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
            raise self._not_readable(error) from error

    def _not_readable(self, error: Exception) -> RunNotReadable:
        return RunNotReadable(f"{self.address!r}: {_error_text(error)}")


def _connect(address: str) -> tuple[Any, str]:
    core = import_module("fsspec.core")
    # a cached instance would use an old endpoint and an old listing
    fs, root = core.url_to_fs(address, skip_instance_cache=True, use_listings_cache=False)
    return fs, str(root)


def _each(ask: Callable[[str], T], names: Sequence[str]) -> list[T]:
    if not names:
        return []
    with ThreadPoolExecutor(min(MAX_PARALLEL, len(names))) as pool:
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


def _error_text(error: Exception) -> str:
    """Return the reason of an error on one line, with a remedy if there is one."""
    if isinstance(error, ImportError):
        missing = " ".join(str(error).split()).rstrip(".")
        return f"{missing}; S3 and web servers require the extra 'remote'; run pip install 'osiris-inspect[remote]'"
    if isinstance(error, ValueError) and "Protocol not known" in str(error):
        return "unknown protocol; use s3, http, https, file, or a protocol that fsspec has a package for"
    if isinstance(error, FileNotFoundError):
        return "no such folder"
    if isinstance(error, PermissionError):
        return "access denied; check the credentials and their permissions"
    text = " ".join(str(error).split()).rstrip(".")
    return f"{type(error).__name__}: {excerpt(text, 300)}" if text else type(error).__name__

"""A remote folder accessed through fsspec, which is imported on first use."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from importlib import import_module
from typing import Any, Final, TypeVar

from osiris_inspect.base.install_hint import install_extras_command
from osiris_inspect.inspector.remote.remote import (
    MAX_PARALLEL,
    TIMEOUT_S,
    ByteRange,
    Files,
    RemoteLimits,
    RemoteStat,
    without_children_of_files,
)
from osiris_inspect.inspector.remote.url import is_inside, user_info, without_credentials
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.errors import RunNotReadable

T = TypeVar("T")
_S3_TRIES: Final = 2
"""Tries of s3fs, each of which is as many tries of botocore: together they wait ``TIMEOUT_S``."""
_S3_TIMEOUT_S: Final = TIMEOUT_S / _S3_TRIES**2
_S3_OPTIONS: Final = {
    "config_kwargs": {
        "connect_timeout": _S3_TIMEOUT_S,
        "read_timeout": _S3_TIMEOUT_S,
        "retries": {"total_max_attempts": _S3_TRIES},
    }
}
_TAGS: Final = ("ETag", "etag", "md5Hash", "Content-MD5", "LastModified", "mtime", "created")
_TIMES: Final = ("LastModified", "mtime", "created", "last_modified")


class StoreFolder:
    """A folder of an object store or another file system of fsspec; see ``RemoteFolder``.

    The writers of the store choose its names; those that lead out of the folder are left out. Sizes come
    from the store itself.
    """

    def __init__(self, address: str, limits: RemoteLimits) -> None:
        self.address = without_credentials(address)
        self.limits = limits
        self._user_info = user_info(address)
        self._fs, self._root = self._readable_errors(lambda: _connect(address))

    def list_dir(self, relative: str) -> dict[str, RemoteStat | None]:
        """Return the entries of a folder by name, None for a folder."""
        folder = self._folder(relative)
        infos = self._readable_errors(lambda: list(self._fs.ls(folder, detail=True)))
        return {name: stat for name, stat in _relative_entries(infos, folder).items() if "/" not in name}

    def list_recursive(self, relative: str) -> Files:
        """Return every file below a folder whose name is valid on a disk."""
        folder = self._folder(relative)
        infos = self._readable_errors(lambda: list(self._fs.find(folder, detail=True).values()))
        entries = _relative_entries(infos, folder)
        names = without_children_of_files(name for name, stat in entries.items() if stat is not None)
        files = {name: stat for name, stat in entries.items() if stat is not None and name in names}
        return Files(files, is_partial=len(files) < len(infos))

    def stat_many(self, relative: str, names: Iterable[str]) -> dict[str, RemoteStat]:
        """Return those of the named files that exist below a folder."""
        folder, chosen = self._folder(relative), list(names)
        with ThreadPoolExecutor(MAX_PARALLEL) as pool:
            infos = pool.map(lambda name: self._info(f"{folder}/{name}"), chosen)
            return {name: stat for name, stat in zip(chosen, infos, strict=True) if stat is not None}

    def read(self, ranges: Sequence[ByteRange]) -> list[bytes]:
        """Return the bytes of each range, in order."""
        if not ranges:
            return []
        names = [requested.file.name for requested in ranges]
        begins, ends = [requested.begin for requested in ranges], [requested.end for requested in ranges]
        pieces = self._readable_errors(lambda: self._fs.cat_ranges(names, begins, ends, on_error="raise"))
        for piece, requested in zip(pieces, ranges, strict=True):
            if len(piece) != requested.end - requested.begin:
                raise RunNotReadable(f"{self.address!r}: {requested.file.name!r} changed while it was read")
        return list(pieces)

    def supports_ranges(self, file: RemoteStat) -> bool:
        """Return True: every store does."""
        del file
        return True

    def download(self, file: RemoteStat, write: Callable[[bytes], object]) -> None:
        """Pass a whole file to ``write``."""
        if file.size:
            write(*self.read([ByteRange(file, 0, file.size)]))

    def _info(self, name: str) -> RemoteStat | None:
        try:
            info = self._fs.info(name)
        except FileNotFoundError:
            return None
        except Exception as error:  # each file system raises errors of its own libraries
            raise self._not_readable(error) from error
        return _stat(info, name) if info.get("type") != "directory" else None

    def _folder(self, relative: str) -> str:
        return f"{self._root.rstrip('/')}/{relative}".rstrip("/")

    def _readable_errors(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except RunNotReadable:
            raise
        except Exception as error:  # each file system raises errors of its own libraries
            raise self._not_readable(error) from error

    def _not_readable(self, error: Exception) -> RunNotReadable:
        text = error_text(error)
        for secret in (self._user_info, self._user_info.partition(":")[2]):
            text = text.replace(secret, "***") if secret else text
        return RunNotReadable(f"{self.address!r} cannot be fetched: {text}")


def _connect(address: str) -> tuple[Any, str]:
    core = import_module("fsspec.core")
    is_s3 = address.startswith(("s3://", "s3a://"))
    # a cached instance would use an old endpoint and an old listing
    options = {"skip_instance_cache": True, "use_listings_cache": False, **(_S3_OPTIONS if is_s3 else {})}
    fs, root = core.url_to_fs(address, **options)
    if is_s3:
        fs.retries = _S3_TRIES
    return fs, str(root)


def _relative_entries(infos: Iterable[dict[str, Any]], folder: str) -> dict[str, RemoteStat | None]:
    entries: dict[str, RemoteStat | None] = {}
    for info in infos:
        full_name = str(info["name"])
        name = full_name.removeprefix(f"{folder}/").rstrip("/")
        if not full_name.startswith(f"{folder}/") or not is_inside(name):
            continue
        if info["type"] == "directory":
            entries.setdefault(name, None)  # a store may have a file of this name as well
        elif not full_name.endswith("/"):
            entries[name] = _stat(info, full_name)
    return entries


def _stat(info: dict[str, Any], name: str) -> RemoteStat:
    size = info.get("size")
    size = size if isinstance(size, int) else 0
    tag = next((str(info[key]) for key in _TAGS if info.get(key)), str(size))
    return RemoteStat(name, size, tag, next((_seconds(info[key]) for key in _TIMES if info.get(key)), None))


def _seconds(value: Any) -> float | None:
    if isinstance(value, datetime):
        return value.timestamp()
    return float(value) if isinstance(value, int | float) else None


def error_text(error: Exception) -> str:
    """Return the reason of an error on one line, with a remedy if there is one."""
    if isinstance(error, ImportError):
        missing = " ".join(str(error).split()).rstrip(".")
        return f"{missing}; S3 and web servers require the extra 'remote'; run {install_extras_command('remote')}"
    if isinstance(error, ValueError) and "Protocol not known" in str(error):
        return "unknown protocol; use s3, http, https, file, or a protocol that fsspec has a package for"
    if isinstance(error, FileNotFoundError):
        return "no such folder"
    if isinstance(error, PermissionError):
        return "access denied; check the credentials and their permissions"
    text = " ".join(str(error).split()).rstrip(".")
    return f"{type(error).__name__}: {excerpt(text, 300)}" if text else type(error).__name__

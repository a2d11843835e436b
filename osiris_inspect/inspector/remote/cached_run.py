"""A mirror: a folder of the cache with the files of a remote run, whose bytes are fetched on demand.

Logs and documents are fetched when the run is read. Of a frame its first and last bytes and its schema are
fetched, and rows page by page; of another artifact its last byte. A file of the mirror is as long as what arrived: an
announced size alone makes no file. A log that grew is fetched from its previous end.
"""

import os
import struct
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Final

from osiris_inspect.inspector.files import text_log
from osiris_inspect.inspector.remote import cached_ranges
from osiris_inspect.inspector.remote.cached_ranges import ByteSpan, CachedRanges
from osiris_inspect.inspector.remote.private_cache import PrivateCache
from osiris_inspect.inspector.remote.remote import ByteRange, RemoteFolder, RemoteStat, run_files_first
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import RunNotReadable

REQUEST_BYTES: Final = 4 << 20
"""Maximum number of bytes of one request."""
MAX_REQUESTS: Final = 8
"""Maximum number of requests whose responses are in memory together."""
FOOTER_BYTES: Final = 64 << 10
"""Bytes at the end of a frame that are fetched at once: its metadata, unless it has very many columns."""
MAX_DOCUMENT_BYTES: Final = 32 << 20
MAX_FILES: Final = 20_000
"""Maximum number of mirrored files of a run."""
_MAGIC: Final = b"PAR1"
_MIN_DIFFERENCE_S: Final = 0.001
_COMPARED_BYTES: Final = 64
_LOGS: Final = (layout.EVENTS, layout.METRICS, layout.COMMANDS)
_DOCUMENTS: Final = (".json", ".yaml", ".yml")


class CachedRun:
    """A remote run and its mirror. Methods are thread-safe.

    Attributes:
        is_partial: True if the run may have more files: the server lists none or does not support ranges.
    """

    def __init__(self, remote: RemoteFolder, relative: str, folder: Path, cache: PrivateCache) -> None:
        self.folder = folder
        self.address = f"{remote.address.rstrip('/')}/{relative}".rstrip("/")
        self._remote = remote
        self._relative = relative
        self._cache = cache
        self._record = cached_ranges.record_path(cache.root, folder)
        self._cached: dict[str, CachedRanges] = {}
        self._stats: dict[str, RemoteStat] = {}
        self._is_filled = False
        self.is_partial = False
        self._lock = threading.RLock()

    def fetch(self, *, refresh: bool = False) -> None:
        """Fetch logs and documents once; ``refresh`` fetches what was added since.

        Raises:
            RunNotReadable: they cannot be fetched.
        """
        with self._lock:
            if refresh or not self._is_filled:
                self._fill()

    def _fill(self) -> None:
        self._cached = self._cached or cached_ranges.load(self._record)
        try:
            self._stats = self._files()
            self._remove_stale()
            self._fetch(self._required_ranges())
            self._fetch(self._long_footers())
            self._save()
        except OSError as error:
            raise RunNotReadable(
                f"{self.address!r} cannot be cached in {str(self.folder)!r}: {error}"
            ) from error
        self._is_filled = True

    def fetch_all(self, relative: str, spans: Iterable[ByteSpan] | None = None) -> None:
        """Fetch a file, or some ranges of it; a file that is not mirrored is ignored.

        Raises:
            RunNotReadable: they cannot be fetched.
        """
        with self._lock:
            self.fetch()
            stat = self._stats.get(relative)
            if stat is not None:
                whole = [(0, stat.size or 0)]
                self._fetch((relative, *span) for span in (spans if spans is not None else whole))
                self._save([relative])

    def is_cached(self, relative: str) -> bool:
        """Return True if all bytes of a file are cached."""
        cached = self._cached.get(relative)
        return cached is not None and not cached.missing_ranges(0, cached.size)

    def _files(self) -> dict[str, RemoteStat]:
        """Return the files of the run. Those that the server does not send in parts are downloaded."""
        listed, self.is_partial = self._remote.list_recursive(self._relative)
        files = {name: listed[name] for name in run_files_first(listed)[:MAX_FILES]}
        if not files:  # a web server may have files without listing them
            self.is_partial = True
            files = self._remote.stat_many(
                self._relative, (*layout.RUN_MARKER_FILES, *layout.TEXT_LOGS, layout.COMMANDS)
            )
        self.is_partial |= len(files) < len(listed)
        sample = next((stat for stat in files.values() if stat.size), None)
        has_ranges = sample is None or self._remote.supports_ranges(sample)
        # servers announce 0 for a length that they do not know
        whole = {name for name, stat in files.items() if not stat.size or not has_ranges}
        left_out = {name for name in whole if not _is_downloaded(name, files[name])}
        self.is_partial |= bool(left_out)
        return {
            name: self._download(name, stat) if name in whole else stat
            for name, stat in files.items()
            if name not in left_out
        }

    def _download(self, name: str, stat: RemoteStat) -> RemoteStat:
        """Download a file unless it is unchanged; return it with the size that arrived."""
        cached = self._cached.get(name)
        is_known = cached is not None and stat.etag == cached.etag != ""
        if cached is not None and is_known and self._local_size(name) == cached.size:
            return replace(stat, size=cached.size)
        with os.fdopen(self._cache.create(self.folder / name), "wb", buffering=0) as stream:
            try:
                self._remote.download(stat, stream.write)
            except BaseException:
                stream.truncate(0)  # an endless body does not stay on the disk
                raise
            size = stream.tell()
        self._cached[name] = CachedRanges(size, stat.etag, [(0, size)])
        return replace(stat, size=size)

    # ── the folder ──

    def _remove_stale(self) -> None:
        """Remove files that are gone, and the bytes of one that changed, unless it only grew."""
        for gone in self._cached.keys() - self._stats.keys():
            (self.folder / gone).unlink(missing_ok=True)
            del self._cached[gone]
        for name, stat in self._stats.items():
            cached = self._cached.get(name)
            if cached is None or not self._is_unchanged(name, cached, stat):
                os.close(self._cache.create(self.folder / name))
                cached = CachedRanges(0, stat.etag)
            self._cached[name] = CachedRanges(stat.size or 0, stat.etag, cached.spans)

    def _local_size(self, name: str) -> int | None:
        try:
            return (self.folder / name).lstat().st_size
        except FileNotFoundError:
            return None

    def _is_unchanged(self, name: str, cached: CachedRanges, stat: RemoteStat) -> bool:
        """Return True if the cached bytes of a file are still valid; a log may have grown."""
        local_size = self._local_size(name)
        if local_size != max((end for _, end in cached.spans), default=0) or stat.size is None:
            return False
        if (cached.etag, cached.size) == (stat.etag, stat.size):
            return True
        if name not in _LOGS or stat.size <= cached.size or cached.missing_ranges(0, cached.size):
            return False
        begin = max(0, cached.size - _COMPARED_BYTES)
        (remote_bytes,) = self._remote.read([ByteRange(stat, begin, cached.size)])
        with (self.folder / name).open("rb") as stream:
            return os.pread(stream.fileno(), cached.size - begin, begin) == remote_bytes

    def _save(self, names: Iterable[str] | None = None) -> None:
        """Set the modification times of files and write the record."""
        for name in names if names is not None else self._stats:
            set_modified(self.folder / name, self._stats[name].modified)
        cached_ranges.save(self._record, self.folder, self._cached)

    # ── the bytes ──

    def _required_ranges(self) -> Iterator[tuple[str, int, int]]:
        for name, stat in self._stats.items():
            part = layout.parse_log_part(name)
            is_whole = part is not None and layout.log_parts(part.log, self._stats) != (part.log,)
            spans = [(0, stat.size or 0)] if is_whole else _spans(name, stat.size or 0)
            yield from ((name, begin, end) for begin, end in spans)

    def _long_footers(self) -> Iterator[tuple[str, int, int]]:
        for name, stat in self._stats.items():
            size = stat.size or 0
            if name.endswith(".parquet") and size > FOOTER_BYTES:
                with (self.folder / name).open("rb") as stream:
                    length, magic = struct.unpack("<I4s", os.pread(stream.fileno(), 8, size - 8))
                begin = size - 8 - length
                if magic == _MAGIC and 0 < begin < size - FOOTER_BYTES:
                    yield name, begin, size

    def _fetch(self, spans: Iterable[tuple[str, int, int]]) -> None:
        missing = [
            (name, low, high)
            for name, begin, end in spans
            for low, high in self._cached[name].missing_ranges(begin, end)
        ]
        self._remote.limits.check(sum(high - low for _, low, high in missing), self.address)
        requests = (
            (name, start, min(start + REQUEST_BYTES, high))
            for name, low, high in missing
            for start in range(low, high, REQUEST_BYTES)
        )
        while batch := list(islice(requests, MAX_REQUESTS)):
            contents = self._remote.read(
                [ByteRange(self._stats[name], begin, end) for name, begin, end in batch]
            )
            for (name, begin, _), content in zip(batch, contents, strict=True):
                self._write(name, begin, content)

    def _write(self, name: str, begin: int, content: bytes) -> None:
        with (self.folder / name).open("r+b") as stream:
            stream.seek(begin)
            stream.write(content)
        self._cached[name].add(begin, begin + len(content))


def _is_downloaded(name: str, stat: RemoteStat) -> bool:
    """Return True for a file that is downloaded as a whole if the server sends no parts."""
    is_short = stat.size is None or stat.size <= MAX_DOCUMENT_BYTES
    part = layout.parse_log_part(name)
    if part is not None and part.log in _LOGS:
        return True
    return stat.size == 0 or (is_short and (part is not None or name.endswith(_DOCUMENTS)))


def set_modified(file: Path, modified: float | None) -> None:
    """Set the time of a file, if it is known and differs: each change makes the index of a log invalid."""
    if modified is not None and abs(file.stat().st_mtime - modified) > _MIN_DIFFERENCE_S:
        os.utime(file, (modified, modified))


def _spans(name: str, size: int) -> list[ByteSpan]:
    """Return the ranges of a file that are fetched when its run is read."""
    if name in _LOGS or (name.endswith(_DOCUMENTS) and size <= MAX_DOCUMENT_BYTES):
        return [(0, size)]
    if name in layout.TEXT_LOGS:
        return list(text_log.read_ranges(size))
    if name.endswith(".parquet"):
        return [(0, min(size, len(_MAGIC))), (max(0, size - FOOTER_BYTES), size)]
    return [(max(0, size - 1), size)]

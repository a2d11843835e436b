"""A mirror: a folder of the cache with the files of a remote run, whose bytes are fetched on demand.

Logs and documents are fetched when the run is read. Of a frame its first and last bytes and its schema are
fetched, and rows page by page; other artifacts only have their size. A log that grew is fetched from its
previous end.
"""

import os
import struct
import threading
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from osiris_inspect.inspector.files import text_log
from osiris_inspect.inspector.remote import cached_ranges
from osiris_inspect.inspector.remote.cached_ranges import ByteSpan, CachedRanges
from osiris_inspect.inspector.remote.remote_folder import ByteRange, RemoteFolder, RemoteStat
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
_COMPARED_BYTES: Final = 64
_LOGS: Final = (layout.EVENTS, layout.METRICS, layout.COMMANDS)
_DOCUMENTS: Final = (".json", ".yaml", ".yml")


class CachedRun:
    """A remote run and its mirror. Methods are thread-safe.

    Attributes:
        is_partial: True if the run may have more files: the server lists none or does not support ranges.
    """

    def __init__(self, remote: RemoteFolder, relative: str, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.address = f"{remote.address.rstrip('/')}/{relative}".rstrip("/")
        self._remote = remote
        self._relative = relative
        self._record = cached_ranges.record_path(cache, folder)
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
        self._stats = dict(islice(self._files().items(), MAX_FILES))
        try:
            self._create_files()
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
                whole = [(0, stat.size)]
                self._fetch((relative, *span) for span in (spans if spans is not None else whole))
                self._save([relative])

    def is_cached(self, relative: str) -> bool:
        """Return True if all bytes of a file are cached."""
        cached = self._cached.get(relative)
        return cached is not None and not cached.missing_ranges(0, cached.size)

    def _files(self) -> dict[str, RemoteStat]:
        files = self._remote.list_recursive(self._relative)
        if not files:  # a web server may have files without listing them
            self.is_partial = True
            files = self._remote.stat_many(
                self._relative, (*layout.RUN_MARKER_FILES, *layout.TEXT_LOGS, layout.COMMANDS)
            )
        sample = next((stat for stat in files.values() if stat.size > 1), None)
        if sample is not None and not self._remote.supports_ranges(sample):
            self.is_partial = True
            return {name: stat for name, stat in files.items() if name in _LOGS or name.endswith(_DOCUMENTS)}
        return files

    # ── the folder ──

    def _create_files(self) -> None:
        """Create every file in its size. Discard the bytes of one that changed, unless it only grew."""
        for gone in self._cached.keys() - self._stats.keys():
            (self.folder / gone).unlink(missing_ok=True)
            del self._cached[gone]
        for name, stat in self._stats.items():
            path, cached = self.folder / name, self._cached.get(name)
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            is_here = path.is_file()
            if cached is None or not is_here or not self._is_unchanged(name, cached, stat):
                cached = CachedRanges(stat.size, stat.etag)
                path.write_bytes(b"")
            self._cached[name] = CachedRanges(stat.size, stat.etag, cached.spans)
            resize(path, stat.size)

    def _is_unchanged(self, name: str, cached: CachedRanges, stat: RemoteStat) -> bool:
        """Return True if the cached bytes of a file are still valid; a log may have grown."""
        if (cached.etag, cached.size) == (stat.etag, stat.size):
            return (self.folder / name).stat().st_size == stat.size
        if name not in _LOGS or stat.size <= cached.size or cached.missing_ranges(0, cached.size):
            return False
        begin = max(0, cached.size - _COMPARED_BYTES)
        (remote_bytes,) = self._remote.read([ByteRange(stat, begin, cached.size)])
        with (self.folder / name).open("rb") as stream:
            return os.pread(stream.fileno(), cached.size - begin, begin) == remote_bytes

    def _save(self, names: Iterable[str] | None = None) -> None:
        """Set the modification times of files and write the record."""
        for name in names if names is not None else self._stats:
            modified = self._stats[name].modified
            path = self.folder / name
            if (
                modified is not None and path.stat().st_mtime != modified
            ):  # else the caches of the log stay valid
                os.utime(path, (modified, modified))
        cached_ranges.save(self._record, self.folder, self._cached)

    # ── the bytes ──

    def _required_ranges(self) -> Iterator[tuple[str, int, int]]:
        for name, stat in self._stats.items():
            yield from ((name, begin, end) for begin, end in _spans(name, stat.size))

    def _long_footers(self) -> Iterator[tuple[str, int, int]]:
        for name, stat in self._stats.items():
            if name.endswith(".parquet") and stat.size > FOOTER_BYTES:
                with (self.folder / name).open("rb") as stream:
                    length, magic = struct.unpack("<I4s", os.pread(stream.fileno(), 8, stat.size - 8))
                begin = stat.size - 8 - length
                if magic == _MAGIC and 0 < begin < stat.size - FOOTER_BYTES:
                    yield name, begin, stat.size

    def _fetch(self, spans: Iterable[tuple[str, int, int]]) -> None:
        missing = (
            (name, start, min(start + REQUEST_BYTES, high))
            for name, begin, end in spans
            for low, high in self._cached[name].missing_ranges(begin, end)
            for start in range(low, high, REQUEST_BYTES)
        )
        while batch := list(islice(missing, MAX_REQUESTS)):
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


def resize(path: Path, size: int) -> None:
    """Set the size of a file; a sparse hole takes no disk space."""
    if path.stat().st_size != size:
        os.truncate(path, size)


def _spans(name: str, size: int) -> list[ByteSpan]:
    """Return the ranges of a file that are fetched when its run is read."""
    if name in _LOGS or (name.endswith(_DOCUMENTS) and size <= MAX_DOCUMENT_BYTES):
        return [(0, size)]
    if name in layout.TEXT_LOGS:
        return list(text_log.read_ranges(size))
    if name.endswith(".parquet"):
        return [(0, min(size, len(_MAGIC))), (max(0, size - FOOTER_BYTES), size)]
    return []

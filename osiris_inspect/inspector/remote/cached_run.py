"""A remote run as a folder of the cache: the same names, sizes and times, filled with the bytes that are asked for.

What tells of a run (logs, documents) is fetched when the run is read; of a frame its first and last bytes are, which
tell whether it is whole, and its schema; rows are fetched page by page; other artifacts have their size and no bytes.
A log that grew is fetched from where it ended the last time.
"""

import os
import struct
import threading
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from osiris_inspect.inspector.files import text_log as textlog
from osiris_inspect.inspector.remote import cached_ranges as holdings
from osiris_inspect.inspector.remote.cached_ranges import ByteSpan, CachedRanges
from osiris_inspect.inspector.remote.remote_folder import ByteRange, RemoteFolder, RemoteStat
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import RunNotReadable

REQUEST_BYTES: Final = 4 << 20
"""Bytes of one request; a longer span is asked for in several."""
MERGE_GAP: Final = 8
"""Requests whose answers are held in memory at one time."""
FOOTER: Final = 64 << 10
"""Bytes of the end of a frame that are fetched unasked: its schema and statistics, unless it has very many columns."""
MOST_DOCUMENT: Final = 32 << 20
MOST_FILES: Final = 20_000
"""Files of one run that are mirrored; what more it has is not there."""
_MAGIC: Final = b"PAR1"
_KNOWN: Final = 64
_LOGS: Final = (layout.EVENTS, layout.METRICS, layout.COMMANDS)
_DOCUMENTS: Final = (".json", ".yaml", ".yml")


class CachedRun:
    """One remote run and the folder that stands for it. Threads wait for each other.

    Attributes:
        is_partial: there may be more files than can be had here: the server lists none, or gives no parts of them.
    """

    def __init__(self, far: RemoteFolder, relative: str, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.address = f"{far.address.rstrip('/')}/{relative}".rstrip("/")
        self._far = far
        self._relative = relative
        self._notes = holdings.record_path(cache, folder)
        self._held: dict[str, CachedRanges] = {}
        self._stats: dict[str, RemoteStat] = {}
        self._is_filled = False
        self.is_partial = False
        self._turn = threading.RLock()

    def fetch(self, *, refresh: bool = False) -> None:
        """Fetch what tells of the run, where that was not done; ``again`` looks for what was added since.

        Raises:
            RunNotReadable: it cannot be fetched.
        """
        with self._turn:
            if refresh or not self._is_filled:
                self._fill()

    def _fill(self) -> None:
        self._held = self._held or holdings.load(self._notes)
        self._stats = dict(islice(self._files().items(), MOST_FILES))
        try:
            self._create_files()
            self._fetch(self._required_ranges())
            self._fetch(self._long_footers())
            self._save()
        except OSError as error:
            raise RunNotReadable(
                f"{self.address!r} cannot be kept in {str(self.folder)!r}: {error}"
            ) from error
        self._is_filled = True

    def fetch_all(self, relative: str, spans: Iterable[ByteSpan] | None = None) -> None:
        """Fetch spans of a file, all of it without; nothing where it is not mirrored.

        Raises:
            RunNotReadable: they cannot be fetched.
        """
        with self._turn:
            self.fetch()
            stat = self._stats.get(relative)
            if stat is not None:
                whole = [(0, stat.size)]
                self._fetch((relative, *span) for span in (spans if spans is not None else whole))
                self._save([relative])

    def is_cached(self, relative: str) -> bool:
        """Whether all bytes of a file are here."""
        held = self._held.get(relative)
        return held is not None and not held.missing_ranges(0, held.size)

    def _files(self) -> dict[str, RemoteStat]:
        found = self._far.list_recursive(self._relative)
        if not found:  # a web server that lists nothing may have the files all the same
            self.is_partial = True
            found = self._far.stat_many(
                self._relative, (*layout.RUN_MARKER_FILES, *layout.TEXT_LOGS, layout.COMMANDS)
            )
        some = next((stat for stat in found.values() if stat.size > 1), None)
        if some is not None and not self._far.supports_ranges(some):
            self.is_partial = True
            return {name: stat for name, stat in found.items() if name in _LOGS or name.endswith(_DOCUMENTS)}
        return found

    # ── the folder ──

    def _create_files(self) -> None:
        """Give every file its place and size. What is held of one that changed is forgotten, unless it only grew."""
        for gone in self._held.keys() - self._stats.keys():
            (self.folder / gone).unlink(missing_ok=True)
            del self._held[gone]
        for name, stat in self._stats.items():
            path, held = self.folder / name, self._held.get(name)
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            is_here = path.is_file()
            if held is None or not is_here or not self._is_unchanged(name, held, stat):
                held = CachedRanges(stat.size, stat.etag)
                path.write_bytes(b"")
            self._held[name] = CachedRanges(stat.size, stat.etag, held.spans)
            resize(path, stat.size)

    def _is_unchanged(self, name: str, held: CachedRanges, stat: RemoteStat) -> bool:
        """Whether what is held of a file is still what stands there; a log may have got more lines."""
        if (held.etag, held.size) == (stat.etag, stat.size):
            return (self.folder / name).stat().st_size == stat.size
        if name not in _LOGS or stat.size <= held.size or held.missing_ranges(0, held.size):
            return False
        begin = max(0, held.size - _KNOWN)
        (there,) = self._far.read([ByteRange(stat, begin, held.size)])
        with (self.folder / name).open("rb") as stream:
            return os.pread(stream.fileno(), held.size - begin, begin) == there

    def _save(self, names: Iterable[str] | None = None) -> None:
        """Give files the times they have elsewhere and write down what is held."""
        for name in names if names is not None else self._stats:
            modified = self._stats[name].modified
            if modified is not None:
                os.utime(self.folder / name, (modified, modified))
        holdings.save(self._notes, self.folder, self._held)

    # ── the bytes ──

    def _required_ranges(self) -> Iterator[tuple[str, int, int]]:
        for name, stat in self._stats.items():
            yield from ((name, begin, end) for begin, end in _spans(name, stat.size))

    def _long_footers(self) -> Iterator[tuple[str, int, int]]:
        for name, stat in self._stats.items():
            if name.endswith(".parquet") and stat.size > FOOTER:
                with (self.folder / name).open("rb") as stream:
                    length, magic = struct.unpack("<I4s", os.pread(stream.fileno(), 8, stat.size - 8))
                begin = stat.size - 8 - length
                if magic == _MAGIC and 0 < begin < stat.size - FOOTER:
                    yield name, begin, stat.size

    def _fetch(self, spans: Iterable[tuple[str, int, int]]) -> None:
        missing = (
            (name, at, min(at + REQUEST_BYTES, high))
            for name, begin, end in spans
            for low, high in self._held[name].missing_ranges(begin, end)
            for at in range(low, high, REQUEST_BYTES)
        )
        while batch := list(islice(missing, MERGE_GAP)):
            contents = self._far.read(
                [ByteRange(self._stats[name], begin, end) for name, begin, end in batch]
            )
            for (name, begin, _), content in zip(batch, contents, strict=True):
                self._write(name, begin, content)

    def _write(self, name: str, begin: int, content: bytes) -> None:
        with (self.folder / name).open("r+b") as stream:
            stream.seek(begin)
            stream.write(content)
        self._held[name].add(begin, begin + len(content))


def resize(path: Path, size: int) -> None:
    """Give a file its size, by a hole where it is shorter, which takes no room; one that has it is left as it is."""
    if path.stat().st_size != size:
        os.truncate(path, size)


def _spans(name: str, size: int) -> list[ByteSpan]:
    """What of a file is fetched when its run is read."""
    if name in _LOGS or (name.endswith(_DOCUMENTS) and size <= MOST_DOCUMENT):
        return [(0, size)]
    if name in layout.TEXT_LOGS:
        return list(textlog.read_ranges(size))
    if name.endswith(".parquet"):
        return [(0, min(size, len(_MAGIC))), (max(0, size - FOOTER), size)]
    return []

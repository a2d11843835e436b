"""Joins the parts of a rotated or compressed log to one plain file, which the readers and the index need.

A long one is kept in the cache, a short one in a file without a name. Its parts are in the order in which they were
written, so that a line of it has the number that the joined parts have.
"""

import hashlib
import json
import os
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from osiris_inspect.base import bounded_json
from osiris_inspect.inspector.archives.compressed import DamagedData, compression_of, decompress
from osiris_inspect.inspector.archives.limits import LOG_LIMITS, UnpackedTooLarge, UnpackLimits
from osiris_inspect.inspector.files import cache_file

MIN_CACHED_BYTES: Final = 4 << 20
"""A joined log of fewer bytes is not cached: unpacking it is as fast as looking it up."""
MAX_CACHE_BYTES: Final = 4 << 30
"""Maximum size of all cached logs; the least recently used are deleted."""
MAX_OPEN: Final = 32
"""Joined logs that stay open in this process."""
_FOLDER: Final = "joined"
_BLOCK: Final = 1 << 20


class JoinedPart(NamedTuple):
    """A part of a joined log: the name of its file, and the number of its first line in the joined log."""

    file: str
    first_line: int


class JoinedLog(NamedTuple):
    """A log whose parts were joined.

    Attributes:
        problems: for each part that was not read, or not to its end, its name and the reason.
    """

    descriptor: int
    parts: tuple[JoinedPart, ...]
    problems: tuple[tuple[str, str], ...]


class _OpenLogs:
    """The joined logs of this process, by the states of their parts."""

    def __init__(self) -> None:
        self._logs: OrderedDict[str, JoinedLog] = OrderedDict()
        self._lock = threading.Lock()

    def open(
        self, parts: Sequence[str], open_part: Callable[[str], BinaryIO], folder: Path | None
    ) -> JoinedLog:
        streams: list[BinaryIO] = []
        try:
            streams += map(open_part, parts)
            key = _key(parts, streams)
            with self._lock:
                log = self._logs.pop(key, None) or _load(key, folder) or _join(key, parts, streams, folder)
                self._logs[key] = log
                if len(self._logs) > MAX_OPEN:
                    os.close(self._logs.popitem(last=False)[1].descriptor)
                own = os.open(f"/proc/self/fd/{log.descriptor}", os.O_RDONLY | os.O_CLOEXEC)
                return log._replace(descriptor=own)
        finally:
            for stream in streams:
                stream.close()


_open_logs = _OpenLogs()


def open_joined(parts: Sequence[str], open_part: Callable[[str], BinaryIO], cache: Path | None) -> JoinedLog:
    """Return the log that has these parts, the oldest first; the caller closes its descriptor.

    A long log is kept in ``cache``; without a cache, each process joins it again.

    Raises:
        OSError: a part cannot be opened, all of them exceed the limits, or a package is missing.
    """
    return _open_logs.open(parts, open_part, None if cache is None else cache / _FOLDER)


def _key(parts: Sequence[str], streams: Sequence[BinaryIO]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part, stream in zip(parts, streams, strict=True):
        state = os.fstat(stream.fileno())
        identity = (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)
        digest.update(repr((part, *identity)).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _join(key: str, parts: Sequence[str], streams: Sequence[BinaryIO], folder: Path | None) -> JoinedLog:
    """Write the parts into one file."""
    with tempfile.TemporaryFile() if folder is None else _file_in(folder) as target:
        writer = _Writer(target)
        for part, stream in zip(parts, streams, strict=True):
            writer.add(part, stream)
        target.flush()
        newest = os.fstat(streams[-1].fileno())
        os.utime(target.fileno(), ns=(newest.st_mtime_ns, newest.st_mtime_ns))
        log = JoinedLog(os.dup(target.fileno()), tuple(writer.parts), tuple(writer.problems))
    if folder is not None and writer.size >= MIN_CACHED_BYTES:
        _save(key, log, writer.size, folder)
    return log


def _file_in(folder: Path) -> BinaryIO:
    """Return a new file without a name in a folder of the cache; elsewhere if that is not possible."""
    try:
        cache_file.create_private_folder(folder)
        return os.fdopen(os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600), "w+b")
    except OSError:
        return tempfile.TemporaryFile()


class _Writer:
    """Appends parts to a file and counts their lines."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self.parts: list[JoinedPart] = []
        self.problems: list[tuple[str, str]] = []
        self.size, self._lines, self._last = 0, 0, b"\n"

    def add(self, part: str, stream: BinaryIO) -> None:
        """Append a part.

        Raises:
            OSError: it exceeds the limits, or cannot be read or written.
        """
        is_first = True
        try:
            for block in _blocks(
                part, stream, LOG_LIMITS._replace(max_bytes=LOG_LIMITS.max_bytes - self.size)
            ):
                if is_first and self._last != b"\n" and block.startswith(b"{"):
                    self._write(b"\n")  # the writer was killed; its next event is not the rest of this line
                if is_first:
                    self.parts.append(JoinedPart(part, self._lines + 1))
                is_first = False
                self._write(block)
        except DamagedData as error:
            self.problems.append((part, f"{error}; {self._lines:,} lines were read up to there"))
        except UnpackedTooLarge as error:
            raise UnpackedTooLarge(f"{part}: {error}") from None
        if is_first:
            self.parts.append(JoinedPart(part, self._lines + 1))

    def _write(self, block: bytes) -> None:
        self._target.write(block)
        self.size += len(block)
        self._lines += block.count(b"\n")
        self._last = block[-1:]


def _blocks(part: str, stream: BinaryIO, limits: UnpackLimits) -> Iterator[bytes]:
    compression = compression_of(part)
    if compression is not None:
        yield from decompress(stream, compression, limits, packed=os.fstat(stream.fileno()).st_size)
        return
    size = os.fstat(stream.fileno()).st_size
    limits._replace(max_ratio=1).check(size, size)
    while size > 0 and (block := stream.read(min(_BLOCK, size))):
        size -= len(block)
        yield block


# ── the cache ──


def _load(key: str, folder: Path | None) -> JoinedLog | None:
    """Return a cached log; None if there is none, or its files are not trusted."""
    if folder is None:
        return None
    descriptor = -1
    try:
        entry = bounded_json.loads(cache_file.read(folder / f"{key}.json"))
        descriptor = cache_file.open_trusted(folder / f"{key}.log")
        if os.fstat(descriptor).st_size != entry["size"]:
            raise ValueError("the cached log is incomplete")
        parts = tuple(JoinedPart(str(file), int(line)) for file, line in entry["parts"])
        problems = tuple((str(file), str(reason)) for file, reason in entry["problems"])
    except (OSError, ValueError, KeyError, TypeError):  # missing or damaged: the parts are joined again
        if descriptor >= 0:
            os.close(descriptor)
        return None
    return JoinedLog(descriptor, parts, problems)


def _save(key: str, log: JoinedLog, size: int, folder: Path) -> None:
    """Give a joined log a name in the cache, and delete others if all are too large."""
    entry = {"size": size, "parts": log.parts, "problems": log.problems}
    with suppress(OSError):  # the file is not in the cache, or exists by now; this process has it open
        cache_file.replace(folder / f"{key}.json", [json.dumps(entry).encode()])
        file = folder / f"{key}.log"
        _link(log.descriptor, file)
        for deleted in cache_file.evict(folder, ".log", MAX_CACHE_BYTES, kept=file):
            deleted.with_suffix(".json").unlink(missing_ok=True)


def _link(descriptor: int, path: Path) -> None:
    """Give an open file a name. The folder's descriptor makes ``link`` follow the link to the file."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.link(f"/proc/self/fd/{descriptor}", path, src_dir_fd=folder, follow_symlinks=True)
    finally:
        os.close(folder)

"""Cache files of log indexes, so that a long log opens at once the second time.

A cached index is used if the size and the times of the file, its head and its last indexed bytes are unchanged. A
log that grew is indexed further; one that was truncated, replaced or rewritten is indexed again.

A file is the magic, a checksum of what follows, the length of a JSON header, the header, and the columns as
little-endian arrays at multiples of 64 bytes.
"""

import json
import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import xxhash

from osiris_inspect.base import bounded_json
from osiris_inspect.inspector.event_log.index.line_index import (
    COLUMNS,
    GrowingColumn,
    LineIndex,
    ProgressCallback,
)
from osiris_inspect.inspector.event_log.index.name_codes import NameTable
from osiris_inspect.inspector.event_log.index.scanner import LineScanner
from osiris_inspect.inspector.files import cache_file

VERSION: Final = 5
"""Increased whenever the index of the same log changes."""
MAGIC: Final = b"osirisix"
SUFFIX: Final = ".index"
ALIGNMENT = 64
CHECKSUM_BYTES: Final = 16
_CHECKED_FROM: Final = len(MAGIC) + CHECKSUM_BYTES
_HEADER_FROM: Final = _CHECKED_FROM + 8
MIN_NEW_LINES: Final = 10_000
"""Lines that take a few milliseconds to index, so that the cache file is not written for fewer."""


@dataclass(frozen=True, slots=True)
class IndexCache:
    """The cache files of one folder.

    Attributes:
        max_bytes: their maximum total size; the least recently used are deleted.
    """

    folder: Path
    max_bytes: int = 1 << 30

    def load(self, descriptor: int) -> LineIndex | None:
        """Return the cached index of a log, which may have grown since; None if there is no valid one."""
        path = cache_file.path_for(self.folder, descriptor, SUFFIX)
        try:
            with os.fdopen(cache_file.open_trusted(path), "rb") as stream:
                content = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            os.utime(path)  # recently used
        except (OSError, ValueError):  # missing, empty, or writable by another user
            return None
        try:
            return _parse(content, descriptor)
        except (ValueError, KeyError, TypeError, OverflowError, AttributeError):  # damaged
            return None

    def save(self, descriptor: int, index: LineIndex, state: os.stat_result) -> bool:
        """Write an index; return False if the cache cannot be written, which is not an error.

        ``state`` is the state of the log before it was indexed.
        """
        try:
            cache_file.replace(
                cache_file.path_for(self.folder, descriptor, SUFFIX), _content(index, file_state(state))
            )
            cache_file.evict(self.folder, SUFFIX, self.max_bytes)
        except OSError:  # full or read-only
            return False
        return True


def open_index(
    descriptor: int, cache: IndexCache | None, *, on_progress: ProgressCallback | None = None
) -> LineIndex:
    """Return the index of all whole lines of a file, from its cache file as far as that goes.

    If ``on_progress`` returns False, the index ends with the lines so far, and is cached.
    """
    state = os.fstat(descriptor)
    index = (cache.load(descriptor) if cache is not None else None) or LineIndex()
    cached_lines = len(index)
    added = index.index_new_lines(descriptor, on_progress=on_progress)
    # the cache file of a log that is being written is not written again for each of its lines
    if cache is not None and added > max(cached_lines // 50, MIN_NEW_LINES if cached_lines else 0):
        cache.save(descriptor, index, state)
    return index


def file_state(state: os.stat_result) -> list[int]:
    """Return the size and the times of a file; a file that is written to gets others."""
    return [state.st_size, state.st_mtime_ns, state.st_ctime_ns]


def _content(index: LineIndex, log: list[int]) -> list[bytes | memoryview]:
    checked = list(_checked_content(index, log))
    checksum = xxhash.xxh3_128()
    for part in checked:
        checksum.update(part)
    return [MAGIC, checksum.digest(), *checked]


def _checked_content(index: LineIndex, log: list[int]) -> Iterator[bytes | memoryview]:
    columns = {name: np.ascontiguousarray(column.values) for name, column in index.columns.items()}
    header: dict[str, Any] = {
        "version": VERSION,
        "log": log,
        "size": index.size,
        "head": index.head_digest,
        "last": index.tail_digest,
        "base": index.base,
        "period": [index.earliest, index.latest],
        "long": sorted(index.long.items()),
        "kinds": index.scanner.event_names.texts,
        "steps": index.scanner.steps.texts,
        "worker": index.scanner.has_worker_lines,
        "columns": {name: [len(column), column.dtype.str] for name, column in columns.items()},
    }
    text = json.dumps(header).encode()
    yield len(text).to_bytes(8, "little") + text
    position = _HEADER_FROM + len(text)
    for column in columns.values():
        padding = -position % ALIGNMENT
        yield bytes(padding)
        yield column.data
        position += padding + column.nbytes


def _parse(content: mmap.mmap, descriptor: int) -> LineIndex | None:
    if content[: len(MAGIC)] != MAGIC:
        return None
    with memoryview(content) as view:
        if xxhash.xxh3_128_digest(view[_CHECKED_FROM:]) != content[len(MAGIC) : _CHECKED_FROM]:
            return None  # a part of the file was lost or changed
    length = int.from_bytes(content[_CHECKED_FROM:_HEADER_FROM], "little")
    header = bounded_json.loads(content[_HEADER_FROM : _HEADER_FROM + length])
    if header["version"] != VERSION or was_rewritten(header["log"], os.fstat(descriptor)):
        return None
    index = LineIndex(
        size=int(header["size"]),
        head_digest=header["head"],
        tail_digest=header["last"],
        scanner=LineScanner(
            NameTable(255, header["kinds"]),
            NameTable(65535, header["steps"]),
            has_worker_lines=bool(header["worker"]),
        ),
        base=header["base"],
        earliest=int(header["period"][0]),
        latest=int(header["period"][1]),
        long={int(line): int(length) for line, length in header["long"]},
        columns=_columns(content, _HEADER_FROM + length, header["columns"]),
    )
    return index if index.is_sound() and index.matches_file(descriptor) else None


def was_rewritten(log: list[int], state: os.stat_result) -> bool:
    """Return True if a log was written to and did not grow."""
    return log != file_state(state) and log[0] >= state.st_size


def _columns(content: mmap.mmap, position: int, stored: dict[str, Any]) -> dict[str, GrowingColumn]:
    columns: dict[str, GrowingColumn] = {}
    for name, dtype in COLUMNS.items():
        count, stored_dtype = stored[name]
        if np.dtype(dtype).str != stored_dtype:
            raise ValueError(f"column {name!r} has type {stored_dtype!r}")
        position += -position % ALIGNMENT
        columns[name] = GrowingColumn(dtype, np.frombuffer(content, dtype, count, position))
        position += columns[name].values.nbytes
    return columns

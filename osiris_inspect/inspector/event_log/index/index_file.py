"""Indexes kept beside nobody's log: in a folder of the user's cache, so that a long log opens at once the second time.

A sidecar is believed where file, head and the last indexed bytes are those it was made from. A file that grew is
indexed further; one that was cut, replaced or rewritten is indexed again. The inspector writes nowhere else.

A sidecar is the magic, the length of a JSON header, the header, and the columns as little-endian arrays at multiples of
64 bytes; ``columns`` of the header says where each one lies.
"""

import json
import mmap
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from osiris_inspect.inspector.event_log.index.line_index import (
    COLUMNS,
    GrowingColumn,
    LineIndex,
    ProgressCallback,
)
from osiris_inspect.inspector.event_log.index.name_codes import NameTable
from osiris_inspect.inspector.event_log.index.scanner import LineScanner

VERSION: Final = 3
"""Counted up whenever an index of the same log would be another one."""
MAGIC: Final = b"osirisix"
SUFFIX: Final = ".index"
ALIGNED = 64
MIN_BYTES: Final = 10_000
"""Lines that are indexed again rather than kept: it takes a few milliseconds."""


@dataclass(frozen=True, slots=True)
class IndexCache:
    """The sidecars in one folder.

    Attributes:
        most_bytes: what they may take together; those used longest ago make room.
    """

    folder: Path
    max_bytes: int = 1 << 30

    def load(self, descriptor: int) -> LineIndex | None:
        """The index of a file as far as it was indexed; None where there is none that can be believed."""
        place = self._place(descriptor)
        try:
            with place.open("rb") as stream:
                content = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            os.utime(place)  # used now: others make room first
        except (OSError, ValueError):  # there is none, or an empty one
            return None
        try:
            return _parse(content, descriptor)
        except (ValueError, KeyError, TypeError, OverflowError, AttributeError):  # not one of ours
            return None

    def save(self, descriptor: int, index: LineIndex) -> bool:
        """Keep an index; whether there was room for it. The log can be read without."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._write(self._place(descriptor), index)
            self._evict()
        except OSError:  # the cache is full, read-only or gone; an index is only ever a help
            return False
        return True

    def _place(self, descriptor: int) -> Path:
        state = os.fstat(descriptor)
        return self.folder / f"{state.st_dev:x}-{state.st_ino:x}{SUFFIX}"

    def _write(self, place: Path, index: LineIndex) -> None:
        number, name = tempfile.mkstemp(dir=self.folder, prefix=".", suffix=SUFFIX)
        try:
            with os.fdopen(number, "wb") as stream:
                header, columns = _header(index)
                stream.write(header)
                for column in columns:
                    stream.write(bytes(-stream.tell() % ALIGNED))
                    stream.write(column.data)
            Path(name).replace(place)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise

    def _evict(self) -> None:
        known = [(path, path.stat()) for path in self.folder.glob(f"*{SUFFIX}")]
        total = sum(state.st_size for _, state in known)
        for path, state in sorted(known, key=lambda entry: entry[1].st_mtime):
            if total <= self.max_bytes:
                return
            path.unlink(missing_ok=True)
            total -= state.st_size


def open_index(
    descriptor: int, sidecars: IndexCache | None, *, told: ProgressCallback | None = None
) -> LineIndex:
    """The index of all whole lines of a file, from its sidecar as far as that goes.

    ``told`` hears how far it is; where it says False, the index is that of the lines up to there, and is kept.
    """
    index = sidecars.load(descriptor) if sidecars is not None else None
    index = index if index is not None else LineIndex()
    known = len(index)
    added = index.index_new_lines(descriptor, on_progress=told)
    # a log that is being written would otherwise be written out again with each of its lines
    if sidecars is not None and added > max(known // 50, MIN_BYTES if known else 0):
        sidecars.save(descriptor, index)
    return index


def _header(index: LineIndex) -> tuple[bytes, list[np.ndarray[Any, Any]]]:
    columns = {name: np.ascontiguousarray(rows.values) for name, rows in index.columns.items()}
    said: dict[str, Any] = {
        "version": VERSION,
        "size": index.size,
        "head": index.head_digest,
        "last": index.tail_digest,
        "base": index.base,
        "period": [index.earliest, index.latest],
        "long": sorted(index.long.items()),
        "kinds": index.sniffer.event_names.texts,
        "steps": index.sniffer.steps.texts,
        "columns": {name: [len(column), column.dtype.str] for name, column in columns.items()},
    }
    text = json.dumps(said).encode()
    return MAGIC + len(text).to_bytes(8, "little") + text, list(columns.values())


def _parse(content: mmap.mmap, descriptor: int) -> LineIndex | None:
    length = int.from_bytes(content[8:16], "little")
    if content[:8] != MAGIC or length > len(content):
        return None
    said = json.loads(content[16 : 16 + length])
    if said["version"] != VERSION:
        return None
    index = LineIndex(
        size=int(said["size"]),
        head_digest=said["head"],
        tail_digest=said["last"],
        sniffer=LineScanner(NameTable(255, said["kinds"]), NameTable(65535, said["steps"])),
        base=said["base"],
        earliest=int(said["period"][0]),
        latest=int(said["period"][1]),
        long={int(line): int(length) for line, length in said["long"]},
        columns=_columns(content, 16 + length, said["columns"]),
    )
    return index if index.is_sound() and index.matches_file(descriptor) else None


def _columns(content: mmap.mmap, place: int, said: dict[str, Any]) -> dict[str, GrowingColumn]:
    columns: dict[str, GrowingColumn] = {}
    for name, dtype in COLUMNS.items():
        count, written = said[name]
        if np.dtype(dtype).str != written:
            raise ValueError(f"column {name!r} is of {written!r}")
        place += -place % ALIGNED
        columns[name] = GrowingColumn(dtype, np.frombuffer(content, dtype, count, place))
        place += columns[name].values.nbytes
    return columns

"""Records which bytes of remote files are cached, so that each is fetched once."""

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from osiris_inspect.base import bounded_json
from osiris_inspect.inspector.files import cache_file

_FOLDER: Final = ".held"
ByteSpan = tuple[int, int]


@dataclass(slots=True)
class CachedRanges:
    """The cached bytes of one file, with its size and tag when it was fetched."""

    size: int
    etag: str
    spans: list[ByteSpan] = field(default_factory=list)

    def missing_ranges(self, begin: int, end: int) -> list[ByteSpan]:
        """Return the parts of a range that are not cached."""
        missing: list[ByteSpan] = []
        for low, high in self.spans:
            if high <= begin or low >= end:
                continue
            if begin < low:
                missing.append((begin, low))
            begin = max(begin, high)
        return [*missing, (begin, end)] if begin < end else missing

    def add(self, begin: int, end: int) -> None:
        """Add a range."""
        joined: list[ByteSpan] = []
        for low, high in sorted([*self.spans, (begin, end)]):
            if joined and low <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(joined[-1][1], high))
            else:
                joined.append((low, high))
        self.spans = joined


def record_path(root: Path, folder: Path) -> Path:
    """Return the path of the record for the mirror in ``folder``; ``root`` is the folder of all mirrors."""
    name = hashlib.blake2b(os.fsencode(folder), digest_size=12).hexdigest()
    return root / _FOLDER / f"{name}.json"


def load(record: Path) -> dict[str, CachedRanges]:
    """Return the cached ranges of a mirror by file; empty if there is no valid record."""
    return _parse(_document(record))


def save(record: Path, folder: Path, cached: dict[str, CachedRanges]) -> None:
    """Write the record of the mirror in ``folder``."""
    files = {name: [entry.size, entry.etag, entry.spans] for name, entry in cached.items()}
    cache_file.replace(record, [json.dumps({"folder": os.fspath(folder), "files": files}).encode()])


def cached_runs(root: Path) -> list[tuple[Path, Path, int]]:
    """Return the record, folder and cached bytes of every mirror, the least recently used first."""
    runs = []
    records = list((root / _FOLDER).glob("*.json"))
    for record in sorted(records, key=lambda record: record.stat().st_mtime):
        document = _document(record)
        size = sum(high - low for entry in _parse(document).values() for low, high in entry.spans)
        runs.append((record, Path(str(document.get("folder", ""))), size))
    return runs


def _document(record: Path) -> dict[str, Any]:
    try:
        document = bounded_json.loads(cache_file.read(record))
    except (OSError, ValueError, RecursionError):  # missing or damaged: the run is fetched again
        return {}
    return document if isinstance(document, dict) else {}


def _parse(document: dict[str, Any]) -> dict[str, CachedRanges]:
    try:
        return {
            str(name): CachedRanges(int(size), str(tag), [(int(low), int(high)) for low, high in spans])
            for name, (size, tag, spans) in document["files"].items()
        }
    except (KeyError, TypeError, ValueError, AttributeError):  # damaged
        return {}

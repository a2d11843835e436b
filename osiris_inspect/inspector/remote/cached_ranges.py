"""Which bytes of which remote files a mirror holds, written down beside it so that they are fetched once."""

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

_FOLDER: Final = ".held"
ByteSpan = tuple[int, int]


@dataclass(slots=True)
class CachedRanges:
    """What is held of one file: its size and tag when it was fetched, and the spans of its bytes, in order."""

    size: int
    etag: str
    spans: list[ByteSpan] = field(default_factory=list)

    def missing_ranges(self, begin: int, end: int) -> list[ByteSpan]:
        """The parts of a span that are not held."""
        missing: list[ByteSpan] = []
        for low, high in self.spans:
            if high <= begin or low >= end:
                continue
            if begin < low:
                missing.append((begin, low))
            begin = max(begin, high)
        return [*missing, (begin, end)] if begin < end else missing

    def add(self, begin: int, end: int) -> None:
        """Note that a span is held now."""
        joined: list[ByteSpan] = []
        for low, high in sorted([*self.spans, (begin, end)]):
            if joined and low <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(joined[-1][1], high))
            else:
                joined.append((low, high))
        self.spans = joined


def record_path(cache: Path, folder: Path) -> Path:
    """Where it is written down what the mirror in ``folder`` holds."""
    name = hashlib.blake2b(os.fsencode(folder), digest_size=12).hexdigest()
    return cache / "remote" / _FOLDER / f"{name}.json"


def load(place: Path) -> dict[str, CachedRanges]:
    """What a mirror holds; nothing where that is not known."""
    return _parsed(_document(place))


def save(place: Path, folder: Path, held: dict[str, CachedRanges]) -> None:
    """Write down what the mirror in ``folder`` holds."""
    files = {name: [entry.size, entry.etag, entry.spans] for name, entry in held.items()}
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    number, name = tempfile.mkstemp(dir=place.parent, prefix=".", suffix=".json")
    with os.fdopen(number, "w") as stream:
        json.dump({"folder": os.fspath(folder), "files": files}, stream)
    Path(name).replace(place)


def cached_runs(cache: Path) -> list[tuple[Path, Path, int]]:
    """Every mirror of a cache, the one used longest ago first: where it is written down, its folder, its bytes."""
    found = []
    places = list((cache / "remote" / _FOLDER).glob("*.json"))
    for place in sorted(places, key=lambda place: place.stat().st_mtime):
        document = _document(place)
        held = sum(high - low for entry in _parsed(document).values() for low, high in entry.spans)
        found.append((place, Path(str(document.get("folder", ""))), held))
    return found


def _document(place: Path) -> dict[str, Any]:
    try:
        document = json.loads(place.read_bytes())
    except (OSError, ValueError, RecursionError):  # never fetched, or cut off: then it is fetched again
        return {}
    return document if isinstance(document, dict) else {}


def _parsed(document: dict[str, Any]) -> dict[str, CachedRanges]:
    try:
        return {
            str(name): CachedRanges(int(size), str(tag), [(int(low), int(high)) for low, high in spans])
            for name, (size, tag, spans) in document["files"].items()
        }
    except (KeyError, TypeError, ValueError, AttributeError):  # not one of ours
        return {}

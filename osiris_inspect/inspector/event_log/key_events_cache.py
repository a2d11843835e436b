"""Where the events lie in a long log that make the picture of its run: kept, so that a report needs no index.

The index of ten million lines is a file of a hundred megabytes, and what reads it takes longer to load than a report to
make. What makes the picture are a few lines, whose places are kept beside the indexes. Only places: what a log says stays
in the log. They are believed where size, time and both ends of the file are what they were; a log that grew has none.
"""

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from osiris_inspect.inspector.event_log.deferred_log import DeferredLog
from osiris_inspect.inspector.event_log.open_large_log import cached_index
from osiris_inspect.inspector.files.run_files import RunFiles
from osiris_inspect.inspector.run.run import LazyEvents
from osiris_inspect.model import event as events
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import InvalidLine

if TYPE_CHECKING:
    from osiris_inspect.inspector.event_log.index.large_log import LargeLog

VERSION: Final = 1
"""Counted up whenever other events make the picture of the same log."""
MAX_KEY_EVENTS: Final = 20_000
"""Events of a picture whose places are kept: more of them are found as fast in the index."""
KEPT: Final = 200
"""Logs whose places are kept; those used longest ago are forgotten."""
QUICK_BYTES: Final = 32 << 20
"""Bytes of a log that are indexed before anybody waits for them."""
_FOLDER: Final = "pictures"
_END: Final = 1 << 16


class CachedKeyEvents(DeferredLog):
    """A long log known by the lines that make its picture; whoever asks for others opens it."""

    def __init__(self, run: Path, cache: Path, cached: dict[str, Any], lines: dict[int, bytes]) -> None:
        """``said`` is what was kept, ``lines`` are the lines by their numbers, counted from 0.

        Raises:
            InvalidLine: one of them is no event.
        """
        told = tuple(events.decode(raw, line_number=line + 1) for line, raw in lines.items())
        period = (float(cached["period"][0]), float(cached["period"][1])) if cached["period"] else None
        super().__init__((run, cache), int(cached["count"]), told, period)
        self._lines = lines

    def raw_line(self, line: int) -> bytes:
        """A line, counted from 0, without its newline."""
        known = self._lines.get(line)
        return known if known is not None else super().raw_line(line)


def load_key_events(disk: RunFiles, cache: Path | None) -> CachedKeyEvents | None:
    """A long log, abridged; None where nothing is kept of it that can be believed."""
    descriptor = disk.descriptor(layout.EVENTS) if cache is not None else None
    if descriptor is None or cache is None:
        return None
    try:
        said = _kept(descriptor, cache)
        if said is None:
            return None
        lines = {line: os.pread(descriptor, end - start, start) for line, start, end in said["lines"]}
        return CachedKeyEvents(disk.root, cache, said, lines)
    except (OSError, ValueError, KeyError, TypeError, InvalidLine):  # what is kept is not one of ours
        return None
    finally:
        os.close(descriptor)


def _kept(descriptor: int, cache: Path) -> dict[str, Any] | None:
    """What is kept of a log; None where that is nothing that can be believed."""
    place = _place(descriptor, cache)
    try:
        said: dict[str, Any] = json.loads(place.read_bytes())
        if said["key"] != _key(descriptor):
            return None
        os.utime(place)  # used now: others make room first
    except (OSError, ValueError, KeyError, TypeError):  # none is kept, or it is not one of ours
        return None
    return said


def is_quick_to_read(run: Path, cache: Path | None) -> bool:
    """Whether a log is read before a screen could be painted: it is short, known abridged, or its index goes far enough."""
    disk = RunFiles(run)
    size = disk.size(layout.EVENTS) or 0
    if size <= QUICK_BYTES:
        return True
    descriptor = disk.descriptor(layout.EVENTS) if cache is not None else None
    if descriptor is None or cache is None:
        return False
    try:
        if _kept(descriptor, cache) is not None:
            return True
        index = cached_index(descriptor, cache)
        return index is not None and size - index.size <= QUICK_BYTES
    finally:
        os.close(descriptor)


def save_key_events(log: object, run: Path, cache: Path) -> bool:
    """Keep the places of what makes the picture of a long log that grows no more; whether they are kept.

    Of a log with lines that could not be read none are kept: what is said of those lines takes the index.
    """
    if isinstance(log, tuple | CachedKeyEvents) or not isinstance(log, LazyEvents):
        return False
    long: LargeLog = log  # type: ignore[assignment]  # the only one there is, whose room takes long to load
    if (
        len(long.key_events) > MAX_KEY_EVENTS
        or len(long.line_index.unreadable())
        or long.partial_line_error()
    ):
        return False
    descriptor = RunFiles(run).descriptor(layout.EVENTS)
    if descriptor is None:
        return False
    try:
        if os.fstat(descriptor).st_size != _size(long):
            return False  # it grew meanwhile
        said = {"key": _key(descriptor), "count": len(long), "period": long.period()}
        _write(_place(descriptor, cache), said | {"lines": list(_places(long))})
    except OSError:  # the cache is full, read-only or gone; what is kept is only ever a help
        return False
    finally:
        os.close(descriptor)
    return True


def _places(log: "LargeLog") -> Iterator[tuple[int, int, int]]:
    """Number, beginning and end of each line, without its newline."""
    for event in log.key_events:
        line = event.line - 1
        if line == len(log.line_index):
            yield line, log.line_index.size, _size(log)
        else:
            start, end = log.line_index.byte_range(line)
            yield line, start, end - 1


def _size(log: "LargeLog") -> int:
    return log.line_index.size + len(log.raw_line(len(log.line_index)))  # what stands behind the last newline


def _place(descriptor: int, cache: Path) -> Path:
    state = os.fstat(descriptor)
    return cache / _FOLDER / f"{state.st_dev:x}-{state.st_ino:x}.json"


def _key(descriptor: int) -> list[Any]:
    """What a file is known again by."""
    import hashlib

    state = os.fstat(descriptor)
    ends = os.pread(descriptor, _END, 0) + os.pread(descriptor, _END, max(0, state.st_size - _END))
    return [VERSION, state.st_size, state.st_mtime_ns, hashlib.blake2b(ends, digest_size=16).hexdigest()]


def _write(place: Path, cached: dict[str, Any]) -> None:
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    number, name = tempfile.mkstemp(dir=place.parent, prefix=".", suffix=".json")
    try:
        with os.fdopen(number, "wb") as stream:
            stream.write(json.dumps(cached).encode())
        Path(name).replace(place)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    kept = sorted(place.parent.glob("*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
    for old in kept[KEPT:]:
        old.unlink(missing_ok=True)

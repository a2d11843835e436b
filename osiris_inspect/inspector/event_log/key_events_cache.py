"""Caches the positions of the key events of a long log, so that a report needs no index.

The index of ten million lines has a hundred megabytes, and numpy takes longer to import than a report to
make. Only positions are cached, not text. They are used if size, times and both ends of the file are
unchanged.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from osiris_inspect.base import bounded_json
from osiris_inspect.inspector.event_log.deferred_log import DeferredLog
from osiris_inspect.inspector.event_log.open_large_log import cached_index
from osiris_inspect.inspector.files import cache_file
from osiris_inspect.inspector.files.run_files import RunFiles
from osiris_inspect.inspector.run.run import LazyEvents
from osiris_inspect.model import event as events
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import InvalidLine

if TYPE_CHECKING:
    from osiris_inspect.inspector.event_log.index.large_log import LargeLog

VERSION: Final = 2
"""Increased whenever the key events of the same log change."""
MAX_KEY_EVENTS: Final = 20_000
"""The positions of more key events are not cached: the index finds them as fast."""
MAX_CACHED_LOGS: Final = 200
"""Logs whose positions are cached; the least recently used are deleted."""
QUICK_BYTES: Final = 32 << 20
"""Bytes of a log that are indexed without a delay that a user notices."""
_FOLDER: Final = "pictures"
_END: Final = 1 << 16


class CachedKeyEvents(DeferredLog):
    """A long log of which the cached key events are known."""

    def __init__(self, run: Path, cache: Path, cached: dict[str, Any], lines: dict[int, bytes]) -> None:
        """``cached`` is the cache entry, ``lines`` are the lines by their numbers, counted from 0.

        Raises:
            InvalidLine: one of them is not an event.
        """
        key_events = tuple(events.decode(raw, line_number=line + 1) for line, raw in lines.items())
        period = (float(cached["period"][0]), float(cached["period"][1])) if cached["period"] else None
        super().__init__(run, cache, int(cached["count"]), key_events, period)
        self._lines = lines

    def raw_line(self, line: int) -> bytes:
        """Return a line, counted from 0, without its newline."""
        raw = self._lines.get(line)
        return raw if raw is not None else super().raw_line(line)


def load_key_events(disk: RunFiles, cache: Path | None) -> CachedKeyEvents | None:
    """Return a long log with its cached key events; None if there is no valid cache entry."""
    descriptor = disk.descriptor(layout.EVENTS) if cache is not None else None
    if descriptor is None or cache is None:
        return None
    try:
        entry = _entry(descriptor, cache)
        if entry is None:
            return None
        lines = {line: os.pread(descriptor, end - start, start) for line, start, end in entry["lines"]}
        return CachedKeyEvents(disk.root, cache, entry, lines)
    except (OSError, ValueError, KeyError, TypeError, InvalidLine):  # a damaged entry
        return None
    finally:
        os.close(descriptor)


def _entry(descriptor: int, cache: Path) -> dict[str, Any] | None:
    """Return the cache entry of a log; None if there is no valid one."""
    path = cache_file.path_for(cache / _FOLDER, descriptor, ".json")
    try:
        entry: dict[str, Any] = bounded_json.loads(cache_file.read(path))
        if entry["key"] != _key(descriptor):
            return None
        os.utime(path)  # recently used
    except (OSError, ValueError, KeyError, TypeError):  # missing or damaged
        return None
    return entry


def is_quick_to_read(run: Path, cache: Path | None) -> bool:
    """Return True if a log is short, or if its key events or most of its index are cached."""
    disk = RunFiles(run)
    size = disk.size(layout.EVENTS) or 0
    if size <= QUICK_BYTES:
        return True
    descriptor = disk.descriptor(layout.EVENTS) if cache is not None else None
    if descriptor is None or cache is None:
        return False
    try:
        if _entry(descriptor, cache) is not None:
            return True
        index = cached_index(descriptor, cache)
        return index is not None and size - index.size <= QUICK_BYTES
    finally:
        os.close(descriptor)


def save_key_events(log: object, run: Path, cache: Path) -> bool:
    """Cache the positions of the key events of a finished long log; return False if that failed.

    The positions of a log with unreadable lines are not cached, because a report of those lines needs the index.
    """
    if isinstance(log, tuple | CachedKeyEvents) or not isinstance(log, LazyEvents):
        return False
    long: LargeLog = log  # type: ignore[assignment]  # the only other class, which imports numpy
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
            return False  # it has grown
        entry = {"key": _key(descriptor), "count": len(long), "period": long.period()}
        _save(
            cache_file.path_for(cache / _FOLDER, descriptor, ".json"),
            entry | {"lines": list(_line_spans(long))},
        )
    except OSError:  # the cache is full or read-only, which is not an error
        return False
    finally:
        os.close(descriptor)
    return True


def _line_spans(log: "LargeLog") -> Iterator[tuple[int, int, int]]:
    """Yield the number, beginning and end of each line, without its newline."""
    for event in log.key_events:
        line = event.line - 1
        if line == len(log.line_index):
            yield line, log.line_index.size, _size(log)
        else:
            start, end = log.line_index.byte_range(line)
            yield line, start, end - 1


def _size(log: "LargeLog") -> int:
    return log.line_index.size + len(log.raw_line(len(log.line_index)))  # the text after the last newline


def _key(descriptor: int) -> list[Any]:
    """Return what identifies the content of a file."""
    import hashlib

    state = os.fstat(descriptor)
    ends = os.pread(descriptor, _END, 0) + os.pread(descriptor, _END, max(0, state.st_size - _END))
    digest = hashlib.blake2b(ends, digest_size=16).hexdigest()
    return [VERSION, state.st_size, state.st_mtime_ns, state.st_ctime_ns, digest]


def _save(path: Path, entry: dict[str, Any]) -> None:
    cache_file.replace(path, [json.dumps(entry).encode()])
    entries = sorted(path.parent.glob("*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
    for old in entries[MAX_CACHED_LOGS:]:
        old.unlink(missing_ok=True)

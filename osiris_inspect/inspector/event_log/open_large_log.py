"""Reads logs over a size limit without decoding each line.

Events are indexed and decoded on demand. Of metrics only the row counts that steps are judged by are read:
the first and the last of each name and step.
"""

import os
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from osiris_inspect.inspector.files.run_files import MAX_LISTED_PER_FILE, TRUNCATED_LINE, RunFiles
from osiris_inspect.model import metric
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import InvalidLine
from osiris_inspect.model.metric import Metric

if TYPE_CHECKING:
    from osiris_inspect.inspector.event_log.filter.filter import EventFilter
    from osiris_inspect.inspector.event_log.index.index_file import IndexCache
    from osiris_inspect.inspector.event_log.index.large_log import LargeLog
    from osiris_inspect.inspector.event_log.index.line_index import LineIndex, ProgressCallback
    from osiris_inspect.inspector.text.event_lines import EventLines

LARGE_LOG_BYTES = 4 << 20
"""A log of more bytes is not decoded as a whole."""
MAX_METRICS_PER_STEP = 1000
"""Metrics of one name and step that are read: half of them from the beginning, half from the end."""
INDEX_DIR = "indexes"
_RELEVANT_METRICS = (b'"rows_', b"_exit_code")


def is_large(disk: RunFiles, file: str) -> bool:
    """Return True if a log is too long to be decoded as a whole."""
    return (disk.size(file) or 0) > LARGE_LOG_BYTES


def open_events(
    disk: RunFiles,
    cache: Path | None,
    file: str = layout.EVENTS,
    *,
    on_progress: "ProgressCallback | None" = None,
) -> "LargeLog | None":
    """Return the events of a long log, whose index is in ``cache``; None if unreadable, which is recorded.

    If ``on_progress`` returns False, indexing stops and the returned log is incomplete.
    """
    from osiris_inspect.inspector.event_log.index.index_file import open_index
    from osiris_inspect.inspector.event_log.index.large_log import LargeLog

    descriptor = disk.descriptor(file)
    if descriptor is None:
        return None
    index = open_index(descriptor, _index_cache(cache), on_progress=on_progress)
    log = LargeLog(descriptor, index, file, cache)
    _record_unreadable(disk, log, file)
    return log


def filter_blocks(
    disk: RunFiles, cache: Path | None, query: "EventFilter", file: str
) -> "Iterator[EventLines]":
    """Yield the lines of the events of a long log that match a filter, in blocks; none if it cannot be read.

    If the log has no cached index and the filter requires a rare text, it is not indexed: then only lines
    that contain the text are read, and unreadable lines are recorded only among those.
    """
    from osiris_inspect.inspector.event_log.search import search

    descriptor = disk.descriptor(file)
    if descriptor is None:
        return

    def record(line: int, error: InvalidLine) -> None:
        disk.record_unreadable(file, line, str(error))

    try:
        is_indexed = cached_index(descriptor, cache) is not None
        candidates = None if is_indexed else search.candidates_without_index(descriptor, query)
        if candidates is not None:
            yield from (search.matching_block(lines, query, file, record) for lines in candidates)
            return
    finally:
        os.close(descriptor)
    if (log := open_events(disk, cache, file)) is not None:
        yield from search.matching_blocks(log, query)


def cached_index(descriptor: int, cache: Path | None) -> "LineIndex | None":
    """Return the cached index of a log, which may have grown since; None if there is none."""
    index_cache = _index_cache(cache)
    return index_cache.load(descriptor) if index_cache is not None else None


def _index_cache(cache: Path | None) -> "IndexCache | None":
    from osiris_inspect.inspector.event_log.index.index_file import IndexCache

    return IndexCache(cache / INDEX_DIR) if cache is not None else None


def step_metrics(disk: RunFiles) -> tuple[Metric, ...]:
    """Return the metrics of a long file that steps are judged by, in the order of the file."""
    first: dict[tuple[str, str | None], list[Metric]] = {}
    last: dict[tuple[str, str | None], deque[Metric]] = {}
    for number, line in disk.lines(layout.METRICS):
        if _is_object(line) and not any(text in line for text in _RELEVANT_METRICS):
            continue
        try:
            decoded = metric.decode(line, line_number=number)
        except InvalidLine as error:
            disk.record_unreadable(layout.METRICS, number, str(error))
            continue
        beginning = first.setdefault((decoded.name, decoded.step), [])
        if len(beginning) < MAX_METRICS_PER_STEP // 2:
            beginning.append(decoded)
        else:
            last.setdefault((decoded.name, decoded.step), deque(maxlen=MAX_METRICS_PER_STEP // 2)).append(
                decoded
            )
    metrics = [decoded for group in (*first.values(), *last.values()) for decoded in group]
    return tuple(sorted(metrics, key=lambda decoded: decoded.line))


def iter_metrics(disk: RunFiles) -> Iterator[Metric]:
    """Yield all metrics of a long file in its order; invalid lines were recorded when the run was read."""
    for number, line in disk.lines(layout.METRICS):
        with suppress(InvalidLine):
            yield metric.decode(line, line_number=number)


def _is_object(line: bytes) -> bool:
    return line.startswith(b"{") and line.rstrip().endswith(b"}")


def _record_unreadable(disk: RunFiles, log: "LargeLog", file: str) -> None:
    """Record why each line is not an event; of the lines after the first thousand only their number matters."""
    for number, reason in log.unreadable:
        disk.record_unreadable(file, number, reason)
    for line in log.line_index.unreadable()[MAX_LISTED_PER_FILE:-MAX_LISTED_PER_FILE].tolist():
        if not log.line_index.is_blank(line):
            disk.record_unreadable(file, line + 1, "")
    error = log.partial_line_error()
    if error is not None:
        disk.record_unreadable(file, len(log.line_index) + 1, f"{TRUNCATED_LINE}: {error}")

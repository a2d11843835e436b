"""Logs over a size, read so that neither time nor memory grows with every line.

Events get an index and are decoded when asked for. Of metrics only the counts that steps are judged by are kept: of each
name of each step the first and the last.
"""

import os
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from osiris_inspect.inspector.files.run_files import MAX_LISTED_PER_FILE, RunFiles
from osiris_inspect.model import event as events
from osiris_inspect.model import jsonl, metric
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import InvalidLine
from osiris_inspect.model.metric import Metric

if TYPE_CHECKING:
    from osiris_inspect.inspector.event_log.filter.filter import EventFilter
    from osiris_inspect.inspector.event_log.index.large_log import LargeLog, Line
    from osiris_inspect.inspector.event_log.index.line_index import ProgressCallback
    from osiris_inspect.model.event import Event

LARGE_LOG_BYTES = 4 << 20
"""Bytes from which on a log is not decoded as a whole."""
KEPT = 1000
"""Metrics of one name and step that are kept: half of them from the beginning, half from the end."""
INDEX_DIR = "indexes"
_WANTED = (b'"rows_', b"_exit_code")


def is_large(disk: RunFiles, file: str) -> bool:
    """Whether a log is too long to be decoded as a whole."""
    return (disk.size(file) or 0) > LARGE_LOG_BYTES


def open_events(
    disk: RunFiles, cache: Path | None, file: str = layout.EVENTS, *, told: "ProgressCallback | None" = None
) -> "LargeLog | None":
    """The events of a long log; None where it cannot be read, which is noted. Its sidecar lies in ``cache``.

    ``told`` hears how far the index is; where it says False, the log ends there, so nobody should show it.
    """
    from osiris_inspect.inspector.event_log.index.index_file import IndexCache, open_index
    from osiris_inspect.inspector.event_log.index.large_log import LargeLog

    descriptor = disk.descriptor(file)
    if descriptor is None:
        return None
    index = open_index(descriptor, IndexCache(cache / INDEX_DIR) if cache is not None else None, told=told)
    log = LargeLog(descriptor, index, file)
    _note_unreadable(disk, log, file)
    return log


def filter_events(
    disk: RunFiles, cache: Path | None, query: "EventFilter", file: str
) -> "Iterator[tuple[Event, bytes]]":
    """The events of a long log that a filter keeps, each with its line; none where it cannot be read, which is noted.

    A log without a sidecar that is asked for a rare text gets none: only lines that may hold the text are looked at, and
    only of these it is noted what cannot be read.
    """
    from osiris_inspect.inspector.event_log.search.search import candidates_without_index, search

    descriptor = disk.descriptor(file)
    if descriptor is None:
        return
    try:
        near = None if _is_indexed(descriptor, cache) else candidates_without_index(descriptor, query)
        if near is not None:
            yield from _kept_of_lines(disk, near, query, file)
            return
    finally:
        os.close(descriptor)
    if (log := open_events(disk, cache, file)) is not None:
        yield from ((event, log.raw_line(event.line - 1)) for event in search(log, query))


def _is_indexed(descriptor: int, cache: Path | None) -> bool:
    from osiris_inspect.inspector.event_log.index.index_file import IndexCache

    return cache is not None and IndexCache(cache / INDEX_DIR).load(descriptor) is not None


def _kept_of_lines(
    disk: RunFiles, near: "Iterator[list[Line]]", query: "EventFilter", file: str
) -> "Iterator[tuple[Event, bytes]]":
    for lines in near:
        for line, raw in lines:
            try:
                event = events.decode(raw, line_number=line + 1, file=file)
            except InvalidLine as error:
                disk.record_unreadable(file, line + 1, str(error))
                continue
            if query.matches(event):
                yield event, raw


def step_metrics(disk: RunFiles) -> tuple[Metric, ...]:
    """The metrics of a long file that steps are judged by, in its order."""
    first: dict[tuple[str, str | None], list[Metric]] = {}
    last: dict[tuple[str, str | None], deque[Metric]] = {}
    for number, line in disk.lines(layout.METRICS):
        if _is_closed(line) and not any(part in line for part in _WANTED):
            continue
        try:
            told = metric.decode(line, line_number=number)
        except InvalidLine as error:
            disk.record_unreadable(layout.METRICS, number, str(error))
            continue
        beginning = first.setdefault((told.name, told.step), [])
        if len(beginning) < KEPT // 2:
            beginning.append(told)
        else:
            last.setdefault((told.name, told.step), deque(maxlen=KEPT // 2)).append(told)
    kept = [told for part in (*first.values(), *last.values()) for told in part]
    return tuple(sorted(kept, key=lambda told: told.line))


def iter_metrics(disk: RunFiles) -> Iterator[Metric]:
    """All metrics of a long file in its order, one at a time; what cannot be read was noted when the run was."""
    for number, line in disk.lines(layout.METRICS):
        with suppress(InvalidLine):
            yield metric.decode(line, line_number=number)


def _is_closed(line: bytes) -> bool:
    """Whether a line is an object by its ends."""
    return line.startswith(b"{") and line.rstrip().endswith(b"}")


def _note_unreadable(disk: RunFiles, log: "LargeLog", file: str) -> None:
    """Say of each line that is no event why; from a thousand on only how many there are."""
    bad = log.by_line.unreadable()
    for line, raw in log.raw_lines(bad[:MAX_LISTED_PER_FILE]):
        start, end = log.by_line.byte_range(line)
        if end - start - 1 > jsonl.MAX_LINE:
            reason = f"a line of {end - start - 1:,} bytes, over the limit of {jsonl.MAX_LINE:,}"
            disk.record_unreadable(file, line + 1, reason)
        elif raw.strip():
            disk.record_unreadable(file, line + 1, _reason(raw))
    for line in bad[MAX_LISTED_PER_FILE:].tolist():
        if not log.by_line.is_blank(line):
            disk.record_unreadable(file, line + 1, "")
    rest = log.partial_line_error()
    if rest is not None:
        disk.record_unreadable(file, len(log.by_line) + 1, f"torn last line: {rest}")


def _reason(raw: bytes) -> str:
    try:
        events.decode(raw)
    except InvalidLine as error:
        return str(error)
    return "no event by its bytes"

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

from osiris_inspect.inspector.files.run_files import LISTED_PER_FILE, Disk
from osiris_inspect.model import event as events
from osiris_inspect.model import jsonl, metric
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import UnreadableLine
from osiris_inspect.model.metric import Metric

if TYPE_CHECKING:
    from osiris_inspect.inspector.event_log.filter.filter import Query
    from osiris_inspect.inspector.event_log.index.large_log import Line, LongLog
    from osiris_inspect.inspector.event_log.index.line_index import Progress
    from osiris_inspect.model.event import Event

LONG = 4 << 20
"""Bytes from which on a log is not decoded as a whole."""
KEPT = 1000
"""Metrics of one name and step that are kept: half of them from the beginning, half from the end."""
INDEXES = "indexes"
_WANTED = (b'"rows_', b"_exit_code")


def is_long(disk: Disk, file: str) -> bool:
    """Whether a log is too long to be decoded as a whole."""
    return (disk.size(file) or 0) > LONG


def events_of(
    disk: Disk, cache: Path | None, file: str = layout.EVENTS, *, told: "Progress | None" = None
) -> "LongLog | None":
    """The events of a long log; None where it cannot be read, which is noted. Its sidecar lies in ``cache``.

    ``told`` hears how far the index is; where it says False, the log ends there, so nobody should show it.
    """
    from osiris_inspect.inspector.event_log.index.index_file import Sidecars, opened
    from osiris_inspect.inspector.event_log.index.large_log import LongLog

    descriptor = disk.descriptor(file)
    if descriptor is None:
        return None
    index = opened(descriptor, Sidecars(cache / INDEXES) if cache is not None else None, told=told)
    log = LongLog(descriptor, index, file)
    _note_unreadable(disk, log, file)
    return log


def kept_of(disk: Disk, cache: Path | None, query: "Query", file: str) -> "Iterator[tuple[Event, bytes]]":
    """The events of a long log that a filter keeps, each with its line; none where it cannot be read, which is noted.

    A log without a sidecar that is asked for a rare text gets none: only lines that may hold the text are looked at, and
    only of these it is noted what cannot be read.
    """
    from osiris_inspect.inspector.event_log.search.search import found, near_without_index

    descriptor = disk.descriptor(file)
    if descriptor is None:
        return
    try:
        near = None if _is_indexed(descriptor, cache) else near_without_index(descriptor, query)
        if near is not None:
            yield from _kept_of_lines(disk, near, query, file)
            return
    finally:
        os.close(descriptor)
    if (log := events_of(disk, cache, file)) is not None:
        yield from ((event, log.raw(event.line - 1)) for event in found(log, query))


def _is_indexed(descriptor: int, cache: Path | None) -> bool:
    from osiris_inspect.inspector.event_log.index.index_file import Sidecars

    return cache is not None and Sidecars(cache / INDEXES).load(descriptor) is not None


def _kept_of_lines(
    disk: Disk, near: "Iterator[list[Line]]", query: "Query", file: str
) -> "Iterator[tuple[Event, bytes]]":
    for lines in near:
        for line, raw in lines:
            try:
                event = events.decode(raw, number_of_line=line + 1, file=file)
            except UnreadableLine as error:
                disk.note(file, line + 1, str(error))
                continue
            if query.matches(event):
                yield event, raw


def metrics_of(disk: Disk) -> tuple[Metric, ...]:
    """The metrics of a long file that steps are judged by, in its order."""
    first: dict[tuple[str, str | None], list[Metric]] = {}
    last: dict[tuple[str, str | None], deque[Metric]] = {}
    for number, line in disk.lines(layout.METRICS):
        if _is_closed(line) and not any(part in line for part in _WANTED):
            continue
        try:
            told = metric.decode(line, number_of_line=number)
        except UnreadableLine as error:
            disk.note(layout.METRICS, number, str(error))
            continue
        beginning = first.setdefault((told.name, told.step), [])
        if len(beginning) < KEPT // 2:
            beginning.append(told)
        else:
            last.setdefault((told.name, told.step), deque(maxlen=KEPT // 2)).append(told)
    kept = [told for part in (*first.values(), *last.values()) for told in part]
    return tuple(sorted(kept, key=lambda told: told.line))


def every_metric_of(disk: Disk) -> Iterator[Metric]:
    """All metrics of a long file in its order, one at a time; what cannot be read was noted when the run was."""
    for number, line in disk.lines(layout.METRICS):
        with suppress(UnreadableLine):
            yield metric.decode(line, number_of_line=number)


def _is_closed(line: bytes) -> bool:
    """Whether a line is an object by its ends."""
    return line.startswith(b"{") and line.rstrip().endswith(b"}")


def _note_unreadable(disk: Disk, log: "LongLog", file: str) -> None:
    """Say of each line that is no event why; from a thousand on only how many there are."""
    bad = log.by_line.unreadable()
    for line, raw in log.raw_lines(bad[:LISTED_PER_FILE]):
        start, end = log.by_line.span(line)
        if end - start - 1 > jsonl.MAX_LINE:
            reason = f"a line of {end - start - 1:,} bytes, over the limit of {jsonl.MAX_LINE:,}"
            disk.note(file, line + 1, reason)
        elif raw.strip():
            disk.note(file, line + 1, _reason(raw))
    for line in bad[LISTED_PER_FILE:].tolist():
        if not log.by_line.is_blank(line):
            disk.note(file, line + 1, "")
    rest = log.rest_is_broken()
    if rest is not None:
        disk.note(file, len(log.by_line) + 1, f"torn last line: {rest}")


def _reason(raw: bytes) -> str:
    try:
        events.decode(raw)
    except UnreadableLine as error:
        return str(error)
    return "no event by its bytes"

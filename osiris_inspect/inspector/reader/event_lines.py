"""Reads the events of a log that is decoded as a whole, also those of its damaged lines."""

from collections.abc import Iterator

from osiris_inspect.inspector.event_log.damaged_lines import UnreadLine, belongs_to_last, read_group
from osiris_inspect.inspector.files.run_files import RunFiles, ends_mid_line
from osiris_inspect.model import event as events
from osiris_inspect.model.errors import InvalidLine
from osiris_inspect.model.event import Event
from osiris_inspect.model.run_layout import EVENTS


def read_events(disk: RunFiles) -> Iterator[Event]:
    """Yield the events of a log in the order of the file; record lines of which nothing can be read."""
    pending: list[UnreadLine] = []
    for number, line in disk.lines(EVENTS):
        if pending and not belongs_to_last(pending, line):
            yield from _read_pending(disk, pending)
            pending = []
        try:
            event = events.decode(line, line_number=number)
        except InvalidLine as error:
            pending.append(UnreadLine(number, line, str(error)))
            continue
        if pending:
            yield from _read_pending(disk, pending)
            pending = []
        yield event
    if pending:
        yield from _read_pending(disk, pending, torn=ends_mid_line(disk.tail(EVENTS, 1)))


def _read_pending(disk: RunFiles, lines: list[UnreadLine], *, torn: bool = False) -> list[Event]:
    read = read_group(lines, EVENTS, torn=torn)
    for number, reason in read.unreadable:
        disk.record_unreadable(EVENTS, number, reason)
    return read.events

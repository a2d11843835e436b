"""What a run tells of the place where its worker was: how far it was kept apart, and when nobody could hear it."""

from collections.abc import Iterable, Iterator

from osiris_inspect.inspector.files.run_files import Disk
from osiris_inspect.inspector.run.run import Outage
from osiris_inspect.model.event import Event, number


def isolation_of(events: Iterable[Event]) -> str | None:
    """How far the worker was kept apart: ``none``, ``landlock``, ``bwrap``, ``e2b``; None where the log does not tell."""
    for event in events:
        told = event.fields.get("isolation") if event.name in ("worker_started", "environment") else None
        if isinstance(told, str) and told:
            return told
    return None


def outages_of(events: Iterable[Event]) -> Iterator[Outage]:
    """When the connection to the worker was lost, and when it was there again."""
    lost: Event | None = None
    for event in events:
        if event.name == "connection_lost" and lost is None:
            lost = event
        elif event.name == "connection_restored" and lost is not None:
            yield Outage(lost.ts, event.ts, _error(lost), lost.line)
            lost = None
    if lost is not None:
        yield Outage(lost.ts, None, _error(lost), lost.line)


def _error(lost: Event) -> str | None:
    error = lost.fields.get("error")
    return error if isinstance(error, str) else None


def note_lost_lines(events: Iterable[Event], disk: Disk) -> None:
    """Count the lines of the worker that never came as unread, where the log says that there were some."""
    for event in events:
        if event.name != "lines_missing":
            continue
        first, last = number(event.fields.get("from")), number(event.fields.get("to"))
        if first is None or last is None or last < first:
            disk.note(event.file, event.line, "lines of the worker never came; which ones is not said")
        else:
            count = int(last - first) + 1
            disk.note(event.file, event.line, f"{count:,} line{'s' * (count > 1)} of the worker never came: {int(first)} to {int(last)}")  # fmt: skip

"""What a run tells of the place where its worker was: how far it was kept apart, and when nobody could hear it."""

from collections.abc import Iterable, Iterator

from osiris_inspect.inspector.files.run_files import RunFiles
from osiris_inspect.inspector.run.run import ConnectionOutage
from osiris_inspect.model.event import Event, finite_number


def isolation_level(events: Iterable[Event]) -> str | None:
    """How far the worker was kept apart: ``none``, ``landlock``, ``bwrap``, ``e2b``; None where the log does not tell."""
    for event in events:
        told = event.fields.get("isolation") if event.name in ("worker_started", "environment") else None
        if isinstance(told, str) and told:
            return told
    return None


def connection_outages(events: Iterable[Event]) -> Iterator[ConnectionOutage]:
    """When the connection to the worker was lost, and when it was there again."""
    lost: Event | None = None
    for event in events:
        if event.name == "connection_lost" and lost is None:
            lost = event
        elif event.name == "connection_restored" and lost is not None:
            yield ConnectionOutage(lost.ts, event.ts, _error(lost), lost.line)
            lost = None
    if lost is not None:
        yield ConnectionOutage(lost.ts, None, _error(lost), lost.line)


def _error(lost: Event) -> str | None:
    error = lost.fields.get("error")
    return error if isinstance(error, str) else None


def record_missing_lines(events: Iterable[Event], disk: RunFiles) -> None:
    """Count the lines of the worker that never came as unread, where the log says that there were some."""
    for event in events:
        if event.name != "lines_missing":
            continue
        first, last = finite_number(event.fields.get("from")), finite_number(event.fields.get("to"))
        if first is None or last is None or last < first:
            disk.record_unreadable(
                event.file, event.line, "lines of the worker never came; which ones is not said"
            )
        else:
            count = int(last - first) + 1
            disk.record_unreadable(event.file, event.line, f"{count:,} line{'s' * (count > 1)} of the worker never came: {int(first)} to {int(last)}")  # fmt: skip

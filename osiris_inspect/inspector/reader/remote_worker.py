"""Isolation, connection outages and missing lines of a run's worker."""

from collections.abc import Iterable, Iterator

from osiris_inspect.inspector.files.run_files import RunFiles
from osiris_inspect.inspector.run.run import ConnectionOutage
from osiris_inspect.inspector.text.units import pluralize
from osiris_inspect.model.event import Event, as_int


def isolation_level(events: Iterable[Event]) -> str | None:
    """Return the isolation of the worker: ``none``, ``landlock``, ``bwrap``, ``e2b``; None if unknown."""
    for event in events:
        level = event.fields.get("isolation") if event.name in ("worker_started", "environment") else None
        if isinstance(level, str) and level:
            return level
    return None


def connection_outages(events: Iterable[Event]) -> Iterator[ConnectionOutage]:
    """Yield the times without a connection to the worker."""
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
    """Record the lines of the worker that the log reports as missing."""
    for event in events:
        if event.name == "lines_lost":
            last_seq = as_int(event.fields.get("after_seq"))
            after = "" if last_seq is None else f" after its line {last_seq}"
            disk.record_unreadable(
                event.file, event.line, f"lines of machine {event.node or '?'} were lost with it{after}"
            )
        if event.name != "lines_missing":
            continue
        first, last = as_int(event.fields.get("from")), as_int(event.fields.get("to"))
        if first is None or last is None or last < first:
            disk.record_unreadable(
                event.file, event.line, "an unknown number of lines of the worker are missing"
            )
        else:
            lines = f"{pluralize(last - first + 1, 'line')} of the worker missing: {first} to {last}"
            disk.record_unreadable(event.file, event.line, lines)

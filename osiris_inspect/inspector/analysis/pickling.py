"""Move a report between processes without its log; the receiver reads the log again when it needs it."""

from dataclasses import replace
from pathlib import Path

from osiris_inspect.inspector.event_log.deferred_log import DeferredLog
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import LazyEvents


def detach_log(report: Report, cache: Path | None) -> Report:
    """Return a report that can be pickled, without caches: a long log is replaced by its key events and its path."""
    log = report.run.events
    if not isinstance(log, LazyEvents):
        return replace(report, run=replace(report.run), lineage=replace(report.lineage))
    deferred = DeferredLog(report.run.path, cache, len(log), tuple(log.key_events), log.period())
    return replace(report, run=replace(report.run, events=deferred), lineage=replace(report.lineage))


def attach_log(report: Report) -> Report:
    """Return the report with its events, reading the log if ``detach_log`` removed them."""
    events = report.run.events
    return (
        replace(report, run=replace(report.run, events=events.loaded))
        if isinstance(events, DeferredLog)
        else report
    )

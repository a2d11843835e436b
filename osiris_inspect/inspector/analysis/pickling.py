"""A report that goes from one process to another without its log: what it says is there, the log is opened when needed.

So a report of ten million events is handed over as fast as one of ten, and whoever shows it loads what reads long logs
after its first picture.
"""

from dataclasses import replace
from pathlib import Path

from osiris_inspect.inspector.event_log.deferred_log import DeferredLog
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import LazyEvents


def detach_log(report: Report, cache: Path | None) -> Report:
    """A report that can be handed over: with its events, unless its log is long."""
    log = report.run.events
    if isinstance(log, tuple) or not isinstance(log, LazyEvents):
        return report
    unopened = DeferredLog(report.run.path, cache, len(log), tuple(log.key_events), log.period())
    return replace(report, run=replace(report.run, events=unopened))


def attach_log(report: Report) -> Report:
    """The report with its events, read where they were not."""
    events = report.run.events
    if not isinstance(events, DeferredLog):
        return report
    return replace(report, run=replace(report.run, events=events.load))

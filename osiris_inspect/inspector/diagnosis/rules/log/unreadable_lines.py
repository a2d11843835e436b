"""Lines of the log are not JSON.

What it finds:
    Lines and files of a run that could not be read, and damaged lines that could be read in part.

Why it matters:
    An unreadable line may contain relevant events. A single truncated line at the end means that the writer
    was killed; other lines are output of another program, or damaged.

How to fix:
    Check the lines. The usual causes are a driver that prints to stdout and two writers of one file.

Example:
    `line 212: {"ts":"2026-11-22T04:29:4`
"""

from collections.abc import Mapping

from osiris_inspect.inspector.diagnosis.evidence.citations import status_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.units import pluralize
from osiris_inspect.model.finding import Evidence, Severity
from osiris_inspect.model.run_layout import EVENTS

NEEDS = ()
TEMPLATE = FindingTemplate(Severity.NOTE, "infra", "check the program that wrote these lines", stage="finish")
_MAX_NAMED = 5


def check(run: Run, _lineage: Lineage) -> Findings:
    """Report all unreadable and damaged lines as one finding: an error if they hide why the run failed."""
    damaged = _damaged_lines(run)
    if not run.unreadable and not damaged:
        return
    log = next((entry for entry in run.unreadable if entry.file == EVENTS), None)
    if log is not None and not run.events and run.status in ("failed", "truncated"):
        yield TEMPLATE.finding(
            f"{log.file} could not be read ({log.reason}), but contains the reason of the failure",
            Evidence(log.file, max(log.line, 1), ""),
            *status_evidence(run, "reason"),
            severity=Severity.ERROR,
            fix=f"make {log.file} readable and analyze the run again",
        )
        return
    positions = [(entry.file, max(entry.line, 1)) for entry in run.unreadable[:3]] or list(damaged)[:3]
    yield TEMPLATE.finding(
        "; ".join(filter(None, (_unreadable_message(run), _damaged_message(damaged)))),
        *(Evidence(file, line, "") for file, line in positions),
        severity=Severity.ERROR if run.status == "unreadable" else None,
    )


def _unreadable_message(run: Run) -> str:
    if not run.unreadable:
        return ""
    first, total = run.unreadable[0], sum(entry.count for entry in run.unreadable)
    position = f"{first.file}:{first.line}" if first.line else first.file
    entries = "entry" if total == 1 else "entries"
    return f"{total:,} {entries} could not be read, the first at {position}: {first.reason}"


def _damaged_lines(run: Run) -> dict[tuple[str, int], str]:
    """Return the position and the damage of each line that was read although it is damaged."""
    damaged = {(event.file, event.line): event.damage for event in run.key_events if event.damage}
    return damaged | {(metric.file, metric.line): metric.damage for metric in run.metrics if metric.damage}


def _damaged_message(damaged: Mapping[tuple[str, int], str]) -> str:
    if not damaged:
        return ""
    reason, count = next(iter(damaged.values())), len(damaged)
    lines = ", ".join(f"{file}:{line}" for file, line in list(damaged)[:_MAX_NAMED])
    more = f" and {count - _MAX_NAMED:,} more" if count > _MAX_NAMED else ""
    return f"{pluralize(count, 'line')} {'is' if count == 1 else 'are'} damaged, but could be read: {lines}{more} ({reason})"

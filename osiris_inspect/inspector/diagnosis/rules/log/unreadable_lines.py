"""Lines of the log that are no JSON.

What it finds:
    Lines and files of a run that could not be read.

Why it matters:
    What stood there is missing from every other answer. One torn line at the end is how a killed writer looks; lines in
    the middle are output of somebody else, or damage.

How to fix:
    Look at the lines. A driver that prints to stdout, or two writers of one file, are the usual reasons.

Example:
    `events.jsonl:212  {"ts":"2026-11-22T04:29:4`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import status_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Evidence, Severity
from osiris_inspect.model.run_layout import EVENTS

NEEDS = ()
TEMPLATE = FindingTemplate(Severity.NOTE, "infra", "look at what wrote these lines", stage="finish")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Report all unreadable lines as one finding: an error if they hide why the run failed."""
    if not run.unreadable:
        return
    first = run.unreadable[0]
    log = next((entry for entry in run.unreadable if entry.file == EVENTS and not entry.line), None)
    if log is not None and not run.events and run.status in ("failed", "truncated"):
        yield TEMPLATE.finding(
            f"{log.file} could not be read ({log.reason}), and it is what tells why the run did not succeed",
            Evidence(log.file, 1, ""),
            *status_evidence(run, "reason"),
            severity=Severity.ERROR,
            fix=f"make {log.file} readable, and look again",
        )
        return
    total = sum(entry.count for entry in run.unreadable)
    position = f"{first.file}:{first.line}" if first.line else first.file
    yield TEMPLATE.finding(
        f"{total:,} {'place' if total == 1 else 'places'} could not be read; the first is {position}: {first.reason}",
        *(Evidence(entry.file, max(entry.line, 1), "") for entry in run.unreadable[:3]),
        severity=Severity.ERROR if run.status == "unreadable" else None,
    )

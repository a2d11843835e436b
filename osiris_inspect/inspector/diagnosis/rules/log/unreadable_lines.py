"""Lines of the log are not JSON.

What it finds:
    Lines and files of a run that could not be read.

Why it matters:
    An unreadable line may contain relevant events. A single truncated line at the end means that the writer
    was killed; other lines are output of another program, or damaged.

How to fix:
    Check the lines. The usual causes are a driver that prints to stdout and two writers of one file.

Example:
    `line 212: {"ts":"2026-11-22T04:29:4`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import status_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Evidence, Severity
from osiris_inspect.model.run_layout import EVENTS

NEEDS = ()
TEMPLATE = FindingTemplate(Severity.NOTE, "infra", "check the program that wrote these lines", stage="finish")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Report all unreadable lines as one finding: an error if they hide why the run failed."""
    if not run.unreadable:
        return
    first = run.unreadable[0]
    log = next((entry for entry in run.unreadable if entry.file == EVENTS and not entry.line), None)
    if log is not None and not run.events and run.status in ("failed", "truncated"):
        yield TEMPLATE.finding(
            f"{log.file} could not be read ({log.reason}), but contains the reason of the failure",
            Evidence(log.file, 1, ""),
            *status_evidence(run, "reason"),
            severity=Severity.ERROR,
            fix=f"make {log.file} readable and analyze the run again",
        )
        return
    total = sum(entry.count for entry in run.unreadable)
    position = f"{first.file}:{first.line}" if first.line else first.file
    yield TEMPLATE.finding(
        f"{total:,} {'entry' if total == 1 else 'entries'} could not be read, the first at {position}: {first.reason}",
        *(Evidence(entry.file, max(entry.line, 1), "") for entry in run.unreadable[:3]),
        severity=Severity.ERROR if run.status == "unreadable" else None,
    )

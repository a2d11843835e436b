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

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import status_evidence
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, UnreadableInput
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity
from osiris_inspect.model.run_layout import EVENTS

NEEDS = ()


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """One finding for all of them: an error only where nothing else could be read, or nothing of a log that failed."""
    if not run.unreadable:
        return
    log = next((entry for entry in run.unreadable if entry.file == EVENTS and not entry.line), None)
    if log is not None and not run.events and run.status in ("failed", "truncated"):
        yield _without_log(log, status_evidence(run, "reason"))
        return
    total = sum(entry.count for entry in run.unreadable)
    first = run.unreadable[0]
    place = f"{first.file}:{first.line}" if first.line else first.file
    nothing_else = run.status == "unreadable"
    yield Finding(
        rule="unreadable-lines",
        severity=Severity.ERROR if nothing_else else Severity.NOTE,
        confidence=Confidence.HIGH,
        domain="infra",
        message=f"{total:,} {'place' if total == 1 else 'places'} could not be read; the first is {place}: {first.reason}",
        evidence=tuple(Evidence(entry.file, max(entry.line, 1), "") for entry in run.unreadable[:3]),
        stage="finish",
        fix="look at what wrote these lines",
    )


def _without_log(log: UnreadableInput, said: tuple[Evidence, ...]) -> Finding:
    return Finding(
        rule="unreadable-lines",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        domain="infra",
        message=f"{log.file} could not be read ({log.reason}), and it is what tells why the run did not succeed",
        evidence=(Evidence(log.file, 1, ""), *said),
        stage="finish",
        fix=f"make {log.file} readable, and look again",
    )

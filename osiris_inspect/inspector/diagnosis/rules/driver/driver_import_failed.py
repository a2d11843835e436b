"""A driver could not be imported where the steps ran.

What it finds:
    Drivers that failed to register in the worker.

Why it matters:
    A step that uses such a driver cannot run. Where no step uses it, it is only a sign that the sandbox is incomplete.

How to fix:
    Install or upload what the import misses.

Example:
    `driver_registration_failed` for `filesystem.csv_extractor`: `No module named 'osiris.core.config'`
"""

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("driver_registration_failed",)
RANK = 35


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failed imports: an error at the failed steps that need them, else one note for all."""
    broken = run.events_named("driver_registration_failed")
    unused = []
    for event in broken:
        users = [step.id for step in run.steps if step.driver == event.driver and step.status == "failed"]
        unused += [] if users else [event]
        for step in users[:1]:
            yield Finding(
                rule="driver-import-failed",
                severity=Severity.ERROR,
                confidence=Confidence.MEDIUM,
                domain="infra",
                message=f"the driver {event.driver!r} could not be imported: {excerpt(event.error or '', 120)}",
                evidence=(event_evidence(event, "error"),),
                step=step,
                fix="install or upload what the import misses",
            )
    if unused:
        names = ", ".join(sorted({event.driver or "?" for event in unused}))
        yield Finding(
            rule="driver-import-failed",
            severity=Severity.NOTE,
            confidence=Confidence.HIGH,
            domain="infra",
            message=f"drivers that no failed step uses could not be imported: {names}",
            evidence=tuple(event_evidence(event, "error") for event in unused[:3]),
            stage="prepare",
            fix="install or upload what the imports miss",
        )

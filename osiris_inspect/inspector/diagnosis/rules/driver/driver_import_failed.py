"""A driver could not be imported where the steps ran.

What it finds:
    Drivers that failed to register in the worker.

Why it matters:
    A step that uses such a driver cannot run. If no step uses it, the sandbox is only incomplete.

How to fix:
    Install or upload the missing package or module.

Example:
    `driver_registration_failed` for `filesystem.csv_extractor`: `No module named 'osiris.core.config'`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("driver_registration_failed",)
EXPLAINS = ("driver-not-registered", "unknown-component")
TEMPLATE = FindingTemplate(
    Severity.ERROR, "infra", "install or upload the missing package or module", Confidence.MEDIUM
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Report an error at a failed step that needs the driver, and one note for all other drivers."""
    unused = []
    for event in run.events_named("driver_registration_failed"):
        users = [step.id for step in run.steps if step.driver == event.driver and step.status == "failed"]
        if not users:
            unused.append(event)
            continue
        message = f"driver {event.driver!r} could not be imported: {excerpt(event.error or '', 120)}"
        yield TEMPLATE.finding(message, event_evidence(event, "error"), step=users[0])
    if unused:
        names = ", ".join(sorted({event.driver or "?" for event in unused}))
        yield TEMPLATE.finding(
            f"drivers that no failed step uses could not be imported: {names}",
            *(event_evidence(event, "error") for event in unused[:3]),
            severity=Severity.NOTE,
            confidence=Confidence.HIGH,
            stage="prepare",
            fix="install or upload the missing packages or modules",
        )

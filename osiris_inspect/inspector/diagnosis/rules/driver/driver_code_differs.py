"""A sandbox runs another file of a driver than the host has.

What it finds:
    A check of a driver's file in the sandbox that found other bytes.

Why it matters:
    What was tested here is not what ran there.

How to fix:
    Upload the driver again, and see what replaced it.

Example:
    `driver_file_verified` with `match: false`
"""

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("driver_file_verified",)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Drivers whose bytes are not those of the host."""
    for event in run.events_named("driver_file_verified"):
        if event.fields.get("match") is False or event.fields.get("sha256_match") is False:
            yield Finding(
                rule="driver-code-differs",
                severity=Severity.WARNING,
                confidence=Confidence.HIGH,
                domain="infra",
                message=f"the sandbox has another file of the driver {event.driver!r} than the host",
                evidence=(event_evidence(event, "sha256_match", "match"),),
                stage="prepare",
                fix="upload the driver again",
            )

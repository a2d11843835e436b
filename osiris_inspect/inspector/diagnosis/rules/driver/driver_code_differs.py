"""The driver file in the sandbox differs from the file on the host.

What it finds:
    A checksum of a driver file in the sandbox that does not match the host.

Why it matters:
    The tested code is not the executed code.

How to fix:
    Upload the driver again, and find out what replaced it.

Example:
    `driver_file_verified` with `match: false`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity

NEEDS = ("driver_file_verified",)
TEMPLATE = FindingTemplate(Severity.WARNING, "infra", "upload the driver again", stage="prepare")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find drivers whose file in the sandbox has another hash."""
    for event in run.events_named("driver_file_verified"):
        if event.fields.get("match") is False or event.fields.get("sha256_match") is False:
            yield TEMPLATE.finding(
                f"the file of driver {event.driver!r} differed between sandbox and host",
                event_evidence(event, "sha256_match", "match"),
            )

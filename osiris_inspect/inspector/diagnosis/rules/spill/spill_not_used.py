"""A frame was spilled and its consumer was given one from memory.

What it finds:
    An input that was resolved from memory although its producer says that the frame is on disk only.

Why it matters:
    The two frames need not be the same: what went to disk is what a replay will see, and not what this step saw.

How to fix:
    Let go of the frame in memory once the spill is complete, and resolve the input from the file.

Example:
    `output_stored` says `storage: spill`, and `inputs_resolved` of the next step `from_memory: true`
"""

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("output_stored", "inputs_resolved")


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Inputs from memory whose frame had gone to disk."""
    spilled = {
        event.step: event
        for event in run.events_named("output_stored")
        if event.fields.get("storage") == "spill"
    }
    for event in run.events_named("inputs_resolved"):
        givers = [spilled[step] for step in event.upstream_steps if step in spilled]
        if event.location == "memory" and givers and event.fields.get("key") in (None, "df"):
            yield Finding(
                rule="spill-not-used",
                severity=Severity.WARNING,
                confidence=Confidence.HIGH,
                domain="code",
                message=f"the frame of {givers[0].step!r} was spilled, and this step was given one from memory",
                evidence=(event_evidence(event, "from_memory"), event_evidence(givers[0], "storage")),
                step=event.step,
                fix="resolve the input from the spilled file",
            )

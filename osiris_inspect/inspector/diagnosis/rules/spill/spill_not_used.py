"""A spilled DataFrame was read from memory.

What it finds:
    An input that was resolved from memory although its producer logged that the DataFrame is only on disk.

Why it matters:
    The two DataFrames may differ: a replay reads the spilled one, which this step did not read.

How to fix:
    Release the DataFrame once the spill is complete, and resolve the input from the file.

Example:
    `output_stored` reports `storage: spill`, and `inputs_resolved` of the next step `from_memory: true`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity

NEEDS = ("output_stored", "inputs_resolved")
TEMPLATE = FindingTemplate(Severity.WARNING, "code", "resolve the input from the spilled file")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find inputs from memory whose frame was spilled."""
    stored = run.events_named("output_stored")
    spilled = {event.step: event for event in stored if event.fields.get("storage") == "spill"}
    for event in run.events_named("inputs_resolved"):
        producers = [spilled[step] for step in event.upstream_steps if step in spilled]
        if event.location == "memory" and producers and event.fields.get("key") in (None, "df"):
            yield TEMPLATE.finding(
                f"the output of {producers[0].step!r} was spilled, but this step received one from memory",
                event_evidence(event, "from_memory"),
                event_evidence(producers[0], "storage"),
                step=event.step,
            )

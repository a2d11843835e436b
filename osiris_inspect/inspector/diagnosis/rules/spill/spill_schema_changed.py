"""A frame came back from disk with other columns than it had.

What it finds:
    An input from spill whose columns or types are not those that its producer gave.

Why it matters:
    The step works on other data than the one upstream made, and a run without spill would give another result.

How to fix:
    Compare `schema.json` of the step upstream with its `output_stored` event; look for a second writer of the folder.

Example:
    `schema_hash` is `3f06e80036856c28` in `output_stored`, and another one in `inputs_resolved`
"""

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("output_stored", "inputs_resolved")


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Inputs from spill with another hash of their schema than their producer told."""
    given = {
        event.step: event for event in run.events_named("output_stored") if event.fields.get("schema_hash")
    }
    for event in run.events_named("inputs_resolved"):
        got, key = event.fields.get("schema_hash"), event.fields.get("key")
        givers = [given[step] for step in event.upstream_steps if step in given]
        if event.location != "spill" or not got or not givers or key not in (None, "df"):
            continue
        was = givers[0].fields["schema_hash"]
        if got != was:
            yield Finding(
                rule="spill-schema-changed",
                severity=Severity.WARNING,
                confidence=Confidence.HIGH,
                domain="data",
                message=f"the frame of {givers[0].step!r} was given with schema {was} and came back from disk with {got}",
                evidence=(event_evidence(event, "schema_hash"), event_evidence(givers[0], "schema_hash")),
                step=event.step,
                fix=f"compare the columns {givers[0].step!r} gave with its schema.json",
            )

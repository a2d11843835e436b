"""A spilled DataFrame was read with a different schema.

What it finds:
    An input from spill whose columns or types differ from those that its producer stored.

Why it matters:
    The step processes different data than the upstream step produced, and a run without spill returns another
    result.

How to fix:
    Compare `schema.json` of the upstream step with its `output_stored` event; check for a second writer of
    the directory.

Example:
    `schema_hash` is `3f06e80036856c28` in `output_stored`, and another one in `inputs_resolved`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity

NEEDS = ("output_stored", "inputs_resolved")
TEMPLATE = FindingTemplate(Severity.WARNING, "data")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find inputs from spill whose schema hash differs from that of their producer."""
    stored = {
        event.step: event for event in run.events_named("output_stored") if event.fields.get("schema_hash")
    }
    for event in run.events_named("inputs_resolved"):
        actual = event.fields.get("schema_hash")
        producers = [stored[step] for step in event.upstream_steps if step in stored]
        if event.location != "spill" or not actual or event.fields.get("key") not in (None, "df"):
            continue
        for producer in producers[:1]:
            expected = producer.fields["schema_hash"]
            if actual != expected:
                yield TEMPLATE.finding(
                    f"the output of {producer.step!r} was stored with schema {expected}, but was read from disk "
                    f"with schema {actual}",
                    event_evidence(event, "schema_hash"),
                    event_evidence(producer, "schema_hash"),
                    step=event.step,
                    fix=f"compare the output columns of {producer.step!r} with its schema.json",
                )

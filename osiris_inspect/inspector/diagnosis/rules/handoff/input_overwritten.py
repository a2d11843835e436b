"""Several inputs of a step had the same name, so the last one replaced the others.

What it finds:
    A step with several resolved inputs of the same name.

Why it matters:
    Versions before 0.5 store one DataFrame under `df`; the others are lost without an error, and the run
    succeeds.

How to fix:
    Use a version that names each input after its step.

Example:
    Two `inputs_resolved` events of `join`, both with the key `df`.
"""

from collections import Counter

from osiris_inspect.inspector.diagnosis.evidence.citations import input_evidence, manifest_evidence
from osiris_inspect.inspector.diagnosis.evidence.missing_input import resolved_inputs
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("steps", "events")
TEMPLATE = FindingTemplate(Severity.WARNING, "code", "give each input a unique name", Confidence.MEDIUM)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find local steps whose inputs share a name; old versions log no inputs and use one name."""
    is_local = run.mode == "local"
    logs_no_inputs = is_local and run.dialect == "host" and not run.events_named("inputs_resolved")
    for step in run.steps:
        inputs = resolved_inputs(step)
        shared = [name for name, count in Counter(entry.name for entry in inputs).items() if count > 1]
        if not inputs and logs_no_inputs and step.status == "succeeded" and len(step.needs) > 1:
            message = f"{len(step.needs)} inputs shared one name, so only the last one reached the step"
            yield TEMPLATE.finding(message, manifest_evidence(run, step.id), step=step.id)
        elif shared and len({entry.from_step for entry in inputs}) > 1 and is_local:
            message = (
                f"{len(inputs)} inputs had the name {shared[0]!r}, so only the last one reached the step"
            )
            yield TEMPLATE.finding(message, *input_evidence(*inputs, key="key"), step=step.id)

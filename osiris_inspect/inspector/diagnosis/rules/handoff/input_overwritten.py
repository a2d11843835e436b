"""Two inputs of a step had one name, so the last one replaced the others.

What it finds:
    A step with several resolved inputs that are called the same.

Why it matters:
    Versions before 0.5 keep one frame under `df`; the others are gone without a word, and the run is a success.

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
TEMPLATE = FindingTemplate(Severity.WARNING, "code", "give each input its own name", Confidence.MEDIUM)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find steps of local runs whose inputs share a name; old versions log no inputs and use one name for all."""
    is_local = run.mode == "local"
    logs_no_inputs = is_local and run.dialect == "host" and not run.events_named("inputs_resolved")
    for step in run.steps:
        inputs = resolved_inputs(step)
        shared = [name for name, count in Counter(entry.name for entry in inputs).items() if count > 1]
        if not inputs and logs_no_inputs and step.status == "succeeded" and len(step.needs) > 1:
            message = f"{len(step.needs)} inputs; only the last one reached the step"
            yield TEMPLATE.finding(message, manifest_evidence(run, step.id), step=step.id)
        elif shared and len({entry.from_step for entry in inputs}) > 1 and is_local:
            message = f"{len(inputs)} inputs are all called {shared[0]!r}; only the last one reached the step"
            yield TEMPLATE.finding(message, *input_evidence(*inputs, key="key"), step=step.id)

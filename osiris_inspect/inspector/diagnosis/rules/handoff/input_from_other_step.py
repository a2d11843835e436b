"""A step received its input from a step it does not need.

What it finds:
    An input whose producer is not among the needs of the step in the manifest.

Why it matters:
    Up to 0.3.1 the original's proxy ignores needs and passes the output of the last extractor: raw rows end
    up where the result of a transformation belongs.

How to fix:
    Use a version that follows the manifest, and verify the target.

Example:
    `write-stats` needs `compute-stats`, and received the output of `extract-movies`.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import input_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity

NEEDS = ("manifest", "inputs_resolved")
TEMPLATE = FindingTemplate(
    Severity.WARNING, "code", "use a version that follows the manifest and verify the target"
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find inputs that are not among the needs of the manifest."""
    needs = {step.id: step.needs for step in run.manifest.steps if not step.inputs} if run.manifest else {}
    for step in run.steps:
        for entry in step.inputs:
            needed = needs.get(step.id)
            if needed and entry.line and entry.from_step is not None and entry.from_step not in needed:
                message = f"received the output of {entry.from_step!r}, which it does not need"
                yield TEMPLATE.finding(message, *input_evidence(entry, key=entry.from_step), step=step.id)

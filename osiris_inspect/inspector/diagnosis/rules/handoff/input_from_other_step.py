"""A step got its input from a step it does not need.

What it finds:
    An input whose origin is not among the needs of the step in the manifest.

Why it matters:
    Up to 0.3.1 the original's proxy ignores needs and takes the last extractor: raw rows end up where the result of a
    transformation belongs.

How to fix:
    Use a version that follows the manifest, and verify what was written.

Example:
    `write-stats` needs `compute-stats`, and was given the frame of `extract-movies`.
"""

from collections.abc import Iterator

from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity

NEEDS = ("manifest", "inputs_resolved")


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Inputs that the manifest does not know."""
    needs = {step.id: step.needs for step in run.manifest.steps if not step.inputs} if run.manifest else {}
    for step in run.steps:
        for entry in step.inputs:
            if not entry.line or entry.from_step is None or not needs.get(step.id):
                continue
            if entry.from_step not in needs[step.id]:
                yield Finding(
                    rule="input-from-other-step",
                    severity=Severity.WARNING,
                    confidence=Confidence.HIGH,
                    domain="code",
                    message=f"the step got the frame of {entry.from_step!r}, which it does not need",
                    evidence=(Evidence("events.jsonl", entry.line, entry.from_step),),
                    step=step.id,
                    fix="verify the target; use a version that follows the manifest",
                )

"""A frame was kept as a pickle.

What it finds:
    `.pkl` files among the artifacts of a run.

Why it matters:
    Opening a pickle runs whatever code its author put there. This program names such files and never opens them.

How to fix:
    Use a version that spills to Parquet, and delete the files.

Example:
    `artifacts/extract-movies/output.pkl`, written by versions of late September 2025
"""

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import any_evidence
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity

NEEDS = ("steps",)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Steps that left a pickle."""
    for step in run.steps:
        for artifact in step.artifacts:
            if artifact.kind == "pickle" and artifact.state == "present":
                named = (
                    (Evidence("events.jsonl", artifact.line, artifact.path),)
                    if artifact.line
                    else any_evidence(run, step)
                )
                yield Finding(
                    rule="pickle-in-artifacts",
                    severity=Severity.NOTE,
                    confidence=Confidence.HIGH,
                    domain="code",
                    message=f"{artifact.path} is a pickle; opening it would run its code",
                    evidence=named,
                    step=step.id,
                    fix="delete it; spill to Parquet",
                )

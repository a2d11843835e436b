"""A DataFrame was stored as a pickle.

What it finds:
    `.pkl` files among the artifacts of a run.

Why it matters:
    Loading a pickle executes code that it contains. This program lists such files and never opens them.

How to fix:
    Use a version that spills to Parquet, and delete the files.

Example:
    `artifacts/extract-movies/output.pkl`, written by versions of late September 2025
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import artifact_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity

NEEDS = ("steps",)
TEMPLATE = FindingTemplate(Severity.NOTE, "code", "delete the file and use a version that spills to Parquet")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find pickle files."""
    for step in run.steps:
        for artifact in step.artifacts:
            if artifact.kind == "pickle" and artifact.state == "present":
                yield TEMPLATE.finding(
                    f"{artifact.path} is a pickle; loading it would execute its code",
                    *artifact_evidence(run, step, artifact),
                    step=step.id,
                )

"""A spilled DataFrame is not a valid Parquet file.

What it finds:
    A `.parquet` artifact without the magic bytes of a Parquet file.

Why it matters:
    It cannot be read. The original downloads binary files of a sandbox as text, which damages them.

How to fix:
    Copy the file from the sandbox with another tool, or do not download data.

Example:
    `artifacts/extract-movies/output.parquet` of a run with `E2B_DOWNLOAD_DATA_ARTIFACTS=1`.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import artifact_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity

NEEDS = ("steps",)
TEMPLATE = FindingTemplate(Severity.WARNING, "infra", "download the file again in binary mode")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find Parquet files without the marks of one."""
    for step in run.steps:
        for artifact in step.artifacts:
            if artifact.state == "corrupt":
                yield TEMPLATE.finding(
                    f"{artifact.path} is not a Parquet file or is damaged",
                    *artifact_evidence(run, step, artifact),
                    step=step.id,
                )

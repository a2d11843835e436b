"""A spilled frame on disk is no Parquet file.

What it finds:
    A `.parquet` artifact that does not begin and end as Parquet files do.

Why it matters:
    It cannot be opened. The original downloads binary files of a sandbox as text, which damages each of them.

How to fix:
    Take the file from the sandbox by other means, or do not download data at all.

Example:
    `artifacts/extract-movies/output.parquet` of a run with `E2B_DOWNLOAD_DATA_ARTIFACTS=1`.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import artifact_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity

NEEDS = ("steps",)
TEMPLATE = FindingTemplate(Severity.WARNING, "infra", "do not trust the file; fetch it again as bytes")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find Parquet files without the marks of one."""
    for step in run.steps:
        for artifact in step.artifacts:
            if artifact.state == "corrupt":
                yield TEMPLATE.finding(
                    f"{artifact.path} is no Parquet file, or a damaged one",
                    *artifact_evidence(run, step, artifact),
                    step=step.id,
                )

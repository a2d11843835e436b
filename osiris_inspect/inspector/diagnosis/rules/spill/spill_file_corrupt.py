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

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import any_evidence, first_event_evidence
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity

NEEDS = ("steps",)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Artifacts that claim to be Parquet and are not."""
    for step in run.steps:
        for artifact in step.artifacts:
            if artifact.state != "corrupt":
                continue
            named = Evidence("events.jsonl", artifact.line, artifact.path) if artifact.line else None
            yield Finding(
                rule="spill-file-corrupt",
                severity=Severity.WARNING,
                confidence=Confidence.HIGH,
                domain="infra",
                message=f"{artifact.path} is no Parquet file, or a damaged one",
                evidence=(named,) if named else first_event_evidence(step) or any_evidence(run, step),
                step=step.id,
                fix="do not trust the file; fetch it again as bytes",
            )

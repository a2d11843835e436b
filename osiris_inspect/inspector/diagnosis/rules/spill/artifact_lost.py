"""A file of a step did not come back from where the step ran.

What it finds:
    A remote run that tells of a file it could not fetch.

Why it matters:
    The step is a success and what it left is gone with its sandbox: a spilled frame, a report, a log.

How to fix:
    Run again where the file is needed; see whether its size or the time limit of the sandbox was the reason.

Example:
    `artifact_lost` for `artifacts/extract-movies/output.parquet`
"""

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.failure import error_message
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("events",)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Files that were lost, and a run whose files could not be listed."""
    for event in run.events_named("artifact_lost", "artifacts_lost"):
        path = event.fields.get("path")
        what = f"{path} was" if isinstance(path, str) else "the files of the steps were"
        yield Finding(
            rule="artifact-lost",
            severity=Severity.WARNING,
            confidence=Confidence.HIGH,
            domain="infra",
            message=f"{what} not brought back: {excerpt(error_message(event.fields) or 'no reason was logged', 160)}",
            evidence=(event_evidence(event, "error", "path"),),
            step=event.step,
            stage="finish",
            fix="run again where the file is needed; look at its size and at the time limit of the sandbox",
        )

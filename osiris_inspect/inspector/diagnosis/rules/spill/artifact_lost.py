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

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.failure import error_message
from osiris_inspect.model.finding import Severity

NEEDS = ("events",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "infra",
    "run again where the file is needed; look at its size and at the time limit of the sandbox",
    stage="finish",
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find files that were not downloaded, and runs whose files could not be listed."""
    for event in run.events_named("artifact_lost", "artifacts_lost"):
        path = event.fields.get("path")
        subject = f"{path} was" if isinstance(path, str) else "the files of the steps were"
        reason = excerpt(error_message(event.fields) or "no reason was logged", 160)
        evidence = event_evidence(event, "error", "path")
        yield TEMPLATE.finding(f"{subject} not brought back: {reason}", evidence, step=event.step)

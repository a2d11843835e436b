"""A file of a step was not downloaded.

What it finds:
    A remote run that reports a file it could not download.

Why it matters:
    The step succeeds, and its spilled DataFrame, report or log is lost with the sandbox.

How to fix:
    Run again if you need the file; check its size and the time limit of the sandbox.

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
SEARCHES = ("artifact_lost", "artifacts_lost")
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "infra",
    "check the file size and the time limit of the sandbox, then run again if you need the file",
    stage="finish",
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find files that were not downloaded, and runs whose files could not be listed."""
    for event in run.events_named("artifact_lost", "artifacts_lost"):
        path = event.fields.get("path")
        subject = f"{path} was" if isinstance(path, str) else "the files of the steps were"
        reason = excerpt(error_message(event.fields) or "no reason was logged", 160)
        evidence = event_evidence(event, "error", "path")
        yield TEMPLATE.finding(f"{subject} not downloaded: {reason}", evidence, step=event.step)

"""A sandbox listed files that the host did not ask for.

What it finds:
    A remote run whose sandbox offered files other than the outputs of the pipeline and the artifacts of its
    steps, or a link or a pipe in the place of one.

Why it matters:
    The host left these files in the sandbox. They can be the trace of code that tried to write on the host.

How to fix:
    Check which step made the files, above all if its driver or its data come from others; name the outputs that
    you need as `path` of a writer.

Example:
    `artifact_refused` for `.git/hooks/pre-commit`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.event import as_int
from osiris_inspect.model.finding import Severity

NEEDS = ("events",)
SEARCHES = ("artifact_refused",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "infra",
    "check which step made these files in the sandbox, and whether its driver can be trusted",
    stage="finish",
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find the files that the host refused."""
    refused = list(run.events_named("artifact_refused"))
    if not refused:
        return
    first = refused[0]
    more = sum(as_int(event.fields.get("count")) or 0 for event in run.events_named("artifacts_refused"))
    count = len(refused) + more
    path = excerpt(str(first.fields.get("path")), 80)
    reason = excerpt(str(first.fields.get("reason") or "no reason was logged"), 80)
    files = f"{path!r} of the sandbox" if count == 1 else f"{count} files of the sandbox, among them {path!r}"
    evidence = event_evidence(first, "path", "reason")
    yield TEMPLATE.finding(f"refused {files}: {reason}", evidence)

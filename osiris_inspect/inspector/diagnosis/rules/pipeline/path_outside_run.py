"""A step id is a path outside the run directory.

What it finds:
    A step id that is not a file name: it contains slashes or `..`.

Why it matters:
    Configuration and artifacts are stored under the id, so such an id reads or overwrites other files.

How to fix:
    Use letters, digits, dots, dashes and underscores.

Example:
    `../../../escape`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import any_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity

NEEDS = ("steps",)
EXPLAINS = ("file-missing", "input-not-found")
TEMPLATE = FindingTemplate(
    Severity.WARNING, "config", "use only letters, digits, '.', '-' and '_' in step ids"
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find step ids that are paths."""
    for step in run.steps:
        if "/" in step.id or "\\" in step.id or ".." in step.id:
            in_error = step.failure is not None and step.id in step.failure.message
            yield TEMPLATE.finding(
                f"the step id {step.id!r} pointed outside the run directory",
                *any_evidence(run, step),
                step=step.id,
                severity=Severity.ERROR if in_error else None,
            )

"""A step id is a path that leads out of the run.

What it finds:
    A step id that is no file name: with slashes, or with `..`.

Why it matters:
    Configuration and artifacts lie under names made of the id. Such an id reads or overwrites files elsewhere.

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
RANK = 12
TEMPLATE = FindingTemplate(Severity.WARNING, "config", "use letters, digits, '.', '-' and '_' in step ids")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find step ids that are paths."""
    for step in run.steps:
        if "/" in step.id or "\\" in step.id or ".." in step.id:
            in_error = step.failure is not None and step.id in step.failure.message
            yield TEMPLATE.finding(
                f"the step id {step.id!r} leads out of the run directory",
                *any_evidence(run, step),
                step=step.id,
                severity=Severity.ERROR if in_error else None,
            )

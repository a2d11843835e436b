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

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import any_evidence
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("steps",)
RANK = 12


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Step ids that are paths."""
    for step in run.steps:
        if "/" not in step.id and "\\" not in step.id and ".." not in step.id:
            continue
        failed_for_it = step.failure is not None and step.id in step.failure.message
        yield Finding(
            rule="path-outside-run",
            severity=Severity.ERROR if failed_for_it else Severity.WARNING,
            confidence=Confidence.HIGH,
            domain="config",
            message=f"the step id {step.id!r} leads out of the run directory",
            evidence=any_evidence(run, step),
            step=step.id,
            fix="use letters, digits, '.', '-' and '_' in step ids",
        )

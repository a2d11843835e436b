"""A step needs several steps and was given fewer inputs.

What it finds:
    A step of a remote run whose host asked for fewer inputs than the manifest has needs.

Why it matters:
    The original's proxy passes the first need only. A join then fails, or works on half of its data and calls it a
    success.

How to fix:
    Use a version that passes each need, or run locally.

Example:
    `join` needs `extract-orders` and `extract-customers`; `commands.jsonl` has one input.
"""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.lineage import Lineage
from osiris_inspect.inspector.run import Run
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity

NEEDS: Final = ("manifest", "commands")


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Requests with fewer inputs than needs."""
    needs = {step.id: step.needs for step in run.manifest.steps} if run.manifest else {}
    for request in run.requests:
        asked = {reference.from_step for reference in request.inputs.values()}
        lost = [need for need in needs.get(request.step, ()) if need not in asked]
        if asked and lost:
            yield Finding(
                rule="need-not-passed",
                severity=Severity.WARNING,
                confidence=Confidence.HIGH,
                domain="code",
                message=f"the step needs {', '.join(map(repr, lost))} as well, and was not given it",
                evidence=(Evidence("commands.jsonl", request.line, "inputs"),),
                step=request.step,
                fix="pass one input for each need",
            )

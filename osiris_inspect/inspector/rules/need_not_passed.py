"""A step needs a frame and was not given it.

What it finds:
    A step whose host asked for fewer inputs than the manifest has needs, or that failed for want of an input that
    nobody had asked for.

Why it matters:
    The original's proxy passes the first need only. A join then fails, or works on half of its data and calls it a
    success.

How to fix:
    Pass one input for each need; with the original use a version that does so, or run locally.

Example:
    `join` needs `extract-orders` and `extract-customers`; `commands.jsonl` has one input.
"""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.evidence.cite import failure_of
from osiris_inspect.inspector.evidence.starving import is_starved
from osiris_inspect.inspector.lineage import Lineage
from osiris_inspect.inspector.run import Request, Run
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity

NEEDS: Final = ("commands",)
RANK: Final = 26


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Requests with fewer inputs than needs, and steps that starved because nobody asked for an input."""
    needs = {step.id: step.needs for step in run.manifest.steps} if run.manifest else {}
    for request in run.requests:
        asked = {reference.from_step for reference in request.inputs.values()}
        lost = [need for need in needs.get(request.step, ()) if need not in asked]
        step = run.step(request.step)
        if asked and lost:
            yield _finding(request, Severity.WARNING, f"{_list(lost)} as well, and was not given it")
        elif not asked and step is not None and is_starved(step):
            said = f"{_list(lost)}, and was given nothing" if lost else "an input, and none was asked for"
            yield _finding(request, Severity.ERROR, said, failure_of(step))


def _list(steps: list[str]) -> str:
    return ", ".join(map(repr, steps))


def _finding(request: Request, severity: Severity, said: str, more: tuple[Evidence, ...] = ()) -> Finding:
    return Finding(
        rule="need-not-passed",
        severity=severity,
        confidence=Confidence.HIGH,
        domain="code",
        message=f"the step needs {said}",
        evidence=(Evidence(request.file, request.line, "inputs"), *more),
        step=request.step,
        fix="pass one input for each need",
    )

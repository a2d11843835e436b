"""A step comes before a step it needs.

What it finds:
    A manifest whose order contradicts its needs, without a circle; or a step that failed for want of a frame before the
    step that gives it had begun.

Why it matters:
    The original runs steps in the order of the file, so the step runs before its input is there.

How to fix:
    Put the step behind those it needs.

Example:
    `write-stats` needs `compute-stats`, which stands below it.
"""

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import (
    error_evidence,
    first_event_evidence,
    manifest_evidence,
)
from osiris_inspect.inspector.diagnosis.evidence.missing_input import failed_for_missing_input, ran_before
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity

NEEDS = ("steps",)
RANK = 16


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Needs that stand further down, and needs that were run later."""
    yield from _planned(run)
    for step in run.steps:
        if not failed_for_missing_input(step):
            continue
        wanted = [run.step(entry.from_step or "") for entry in step.inputs if entry.location == "unresolved"]
        late = [origin for origin in wanted if origin is not None and ran_before(step, origin)]
        if late:
            names = [origin.id for origin in late]
            yield _finding(
                step.id, names, (*error_evidence(step), *first_event_evidence(late[0])), failed=True
            )


def _planned(run: Run) -> Iterator[Finding]:
    planned = run.manifest.steps if run.manifest else ()
    place = {step.id: number for number, step in enumerate(planned)}
    for step in planned:
        late = [need for need in step.needs if place.get(need, -1) > place[step.id]]
        state = run.step(step.id)
        if not late or any(step.id in other.needs for other in planned if other.id in late):
            continue
        failed = state is not None and state.status == "failed"
        yield _finding(step.id, late, (manifest_evidence(run, step.id),), failed=failed)


def _finding(step: str, late: list[str], evidence: tuple[Evidence, ...], *, failed: bool) -> Finding:
    return Finding(
        rule="steps-out-of-order",
        severity=Severity.ERROR if failed else Severity.WARNING,
        confidence=Confidence.HIGH,
        domain="config",
        message=f"the step comes before {', '.join(map(repr, late))}, which it needs",
        evidence=evidence,
        step=step,
        fix="put the step behind those it needs",
    )

"""A step stands before a step it needs.

What it finds:
    A manifest whose order contradicts its needs, without a circle.

Why it matters:
    The original runs steps in the order of the file, so the step runs before its input is there.

How to fix:
    Put the step behind those it needs.

Example:
    `write-stats` needs `compute-stats`, which stands below it.
"""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.cite import in_manifest
from osiris_inspect.inspector.lineage import Lineage
from osiris_inspect.inspector.run import Run
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS: Final = ("manifest",)
RANK: Final = 16


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Needs that stand further down."""
    planned = run.manifest.steps if run.manifest else ()
    place = {step.id: number for number, step in enumerate(planned)}
    for step in planned:
        late = [need for need in step.needs if place.get(need, -1) > place[step.id]]
        state = run.step(step.id)
        if not late or any(step.id in other.needs for other in planned if other.id in late):
            continue
        failed = state is not None and state.status == "failed"
        yield Finding(
            rule="steps-out-of-order",
            severity=Severity.ERROR if failed else Severity.WARNING,
            confidence=Confidence.HIGH,
            domain="config",
            message=f"the step stands before {', '.join(map(repr, late))}, which it needs",
            evidence=(in_manifest(run, step.id),),
            step=step.id,
            fix="put the step behind those it needs",
        )

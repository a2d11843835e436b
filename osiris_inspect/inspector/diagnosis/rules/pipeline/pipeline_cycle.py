"""Steps need each other in a circle.

What it finds:
    A manifest in which a step, directly or not, needs itself.

Why it matters:
    No order of the steps can be right: the first of them runs without its input.

How to fix:
    Remove one need of the circle.

Example:
    `a` needs `b`, and `b` needs `a`.
"""

from collections.abc import Iterator, Mapping

from osiris_inspect.inspector.diagnosis.evidence.citations import manifest_evidence
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("manifest",)
RANK = 14


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """The steps that come back to themselves; each circle is told once."""
    needs = {step.id: step.needs for step in run.manifest.steps} if run.manifest else {}
    told: set[str] = set()
    for step in needs:
        circle = _circle(step, needs)
        if not circle or step in told:
            continue
        told.update(circle)
        failed = [member for member in circle if (state := run.step(member)) and state.status == "failed"]
        yield Finding(
            rule="pipeline-cycle",
            severity=Severity.ERROR if failed else Severity.WARNING,
            confidence=Confidence.HIGH,
            domain="config",
            message=f"the steps need each other in a circle: {' needs '.join([*circle, circle[0]])}",
            evidence=(manifest_evidence(run, step),),
            step=failed[0] if failed else step,
            fix="remove one of these needs",
        )


def _circle(start: str, needs: Mapping[str, tuple[str, ...]]) -> list[str]:
    """A way from ``start`` back to itself; empty where there is none."""
    came_from: dict[str, str] = {}
    front = [start]
    while front:
        here = front.pop()
        for need in needs.get(here, ()):
            if need == start:
                way = [here]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                return way[::-1]
            if need in needs and need not in came_from:
                came_from[need] = here
                front.append(need)
    return []

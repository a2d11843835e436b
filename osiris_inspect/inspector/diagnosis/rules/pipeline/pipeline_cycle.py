"""Steps need each other in a cycle.

What it finds:
    A manifest in which a step, directly or not, needs itself.

Why it matters:
    No order of the steps is valid: the first step runs without its input.

How to fix:
    Remove one need of the cycle.

Example:
    `a` needs `b`, and `b` needs `a`.
"""

from collections.abc import Mapping

from osiris_inspect.inspector.diagnosis.evidence.citations import manifest_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity

NEEDS = ("manifest",)
EXPLAINS = ("input-not-found",)
TEMPLATE = FindingTemplate(Severity.WARNING, "config", "remove one of these needs")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find cycles of needs; report a step in one cycle only."""
    needs = {step.id: step.needs for step in run.manifest.steps} if run.manifest else {}
    reported: set[str] = set()
    for step in needs:
        cycle = _find_cycle(step, needs)
        if not cycle or step in reported:
            continue
        reported.update(cycle)
        failed = [member for member in cycle if (state := run.step(member)) and state.status == "failed"]
        yield TEMPLATE.finding(
            f"the steps formed a cycle: {' needs '.join([*cycle, cycle[0]])}",
            manifest_evidence(run, step),
            step=failed[0] if failed else step,
            severity=Severity.ERROR if failed else None,
        )


def _find_cycle(start: str, needs: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return a path of needs from ``start`` back to itself, or an empty list."""
    needed_by: dict[str, str] = {}
    stack = [start]
    while stack:
        step = stack.pop()
        for need in needs.get(step, ()):
            if need == start:
                path = [step]
                while path[-1] != start:
                    path.append(needed_by[path[-1]])
                return path[::-1]
            if need in needs and need not in needed_by:
                needed_by[need] = step
                stack.append(need)
    return []

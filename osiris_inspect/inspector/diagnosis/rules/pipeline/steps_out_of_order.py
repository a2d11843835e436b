"""A step precedes a step it needs.

What it finds:
    A manifest whose order contradicts its needs, without a cycle; or a step that failed because an input was
    missing before the producer had started.

Why it matters:
    The original runs steps in the order of the file, so the step runs before its input exists.

How to fix:
    Move the step after the steps it needs.

Example:
    `write-stats` needs `compute-stats`, which follows it.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import (
    error_evidence,
    first_event_evidence,
    manifest_evidence,
)
from osiris_inspect.inspector.diagnosis.evidence.missing_input import (
    failed_for_missing_input,
    ran_before,
    unresolved_inputs,
)
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity

NEEDS = ("steps",)
EXPLAINS = ("input-not-found",)
TEMPLATE = FindingTemplate(Severity.WARNING, "config", "move the step after the steps it needs")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find steps that precede a step they need, in the manifest or in the run."""
    planned = run.manifest.steps if run.manifest else ()
    order = {step.id: number for number, step in enumerate(planned)}
    for planned_step in planned:
        late = [need for need in planned_step.needs if order.get(need, -1) > order[planned_step.id]]
        if late and not any(planned_step.id in other.needs for other in planned if other.id in late):
            state = run.step(planned_step.id)
            severity = Severity.ERROR if state is not None and state.status == "failed" else None
            evidence = manifest_evidence(run, planned_step.id)
            yield TEMPLATE.finding(_message(late), evidence, step=planned_step.id, severity=severity)
    for step in run.steps:
        producers = [run.step(entry.from_step or "") for entry in unresolved_inputs(step)]
        later = [other for other in producers if other is not None and ran_before(step, other)]
        if later and failed_for_missing_input(step):
            yield TEMPLATE.finding(
                _message([other.id for other in later]),
                *error_evidence(step),
                *first_event_evidence(later[0]),
                step=step.id,
                severity=Severity.ERROR,
            )


def _message(late: list[str]) -> str:
    return f"preceded {', '.join(map(repr, late))}, which it needs"

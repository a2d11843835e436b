"""A step started, and the run continued without its end.

What it finds:
    A step without an end in a log that continues: other steps start after it, or the run ends.

Why it matters:
    The log does not show whether the step completed, so its totals are incomplete.

How to fix:
    Check the program that runs the steps: it must log an end for each start.

Example:
    `step_start` of `compute-stats` is followed by `step_start` of `write-stats`.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity

NEEDS = ("step_start",)
REFINES = ("run-truncated",)
IS_GENERAL = True
TEMPLATE = FindingTemplate(Severity.ERROR, "infra", "check the worker's text log for the outcome of the step")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find running steps that are followed by events of other steps."""
    ends = run.events_named("step_start", "step_complete", "step_failed")
    for step in run.steps:
        later = [event for event in ends if event.step != step.id and event.line > step.line_range[1]]
        if step.status == "running" and later:
            started = [event_evidence(event) for event in run.events_named("step_start", step=step.id)]
            yield TEMPLATE.finding(
                f"started but never ended, and the log continued with {later[0].original_name}"
                + (f" of {later[0].step!r}" if later[0].step else ""),
                *started[-1:],
                event_evidence(later[0]),
                step=step.id,
            )

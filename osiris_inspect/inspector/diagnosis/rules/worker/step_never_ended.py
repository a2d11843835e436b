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

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence, unread_line_after
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("step_start",)
REFINES = ("run-truncated",)
IS_GENERAL = True
TEMPLATE = FindingTemplate(Severity.ERROR, "infra", "check the worker's text log for the outcome of the step")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find running steps that are followed by events of other steps."""
    ends = run.events_named("step_start", "step_complete", "step_failed")
    for step in run.steps:
        if step.status != "running":
            continue
        later = next(
            (event for event in ends if event.step != step.id and event.line > step.line_range[1]), None
        )
        if later is None:
            continue
        started = [event_evidence(event) for event in run.events_named("step_start", step=step.id)]
        message = f"started but never ended, and the log continued with {later.original_name}"
        message += f" of {later.step!r}" if later.step else ""
        evidence = (*started[-1:], event_evidence(later))
        unread = unread_line_after(run, step.line_range[1])
        if unread is None:
            yield TEMPLATE.finding(message, *evidence, step=step.id)
        else:
            yield TEMPLATE.finding(
                f"{message}; line {unread.line:,} could not be read and may contain its end",
                *evidence,
                step=step.id,
                confidence=Confidence.LOW,
            )

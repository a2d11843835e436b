"""A step began, and the run went on without its end.

What it finds:
    A step without an end in a log that goes on: other steps begin after it, or the run says that it is over.

Why it matters:
    Nothing says whether the step did its work. Whoever wrote the log lost track of it, so its figures are not complete.

How to fix:
    Look at what runs the steps: it must note an end for each beginning, whatever happens in between.

Example:
    `step_start` of `compute-stats` is followed by `step_start` of `write-stats`.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity

NEEDS = ("step_start",)
RANK = 69
TEMPLATE = FindingTemplate(Severity.ERROR, "infra", "see what became of the step in the worker's text log")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find running steps that are followed by events of other steps."""
    ends = run.events_named("step_start", "step_complete", "step_failed")
    for step in run.steps:
        later = [event for event in ends if event.step != step.id and event.line > step.line_range[1]]
        if step.status == "running" and later:
            started = [event_evidence(event) for event in run.events_named("step_start", step=step.id)]
            yield TEMPLATE.finding(
                f"the step began and has no end, and the log goes on with {later[0].original_name}"
                + (f" of {later[0].step!r}" if later[0].step else ""),
                *started[-1:],
                event_evidence(later[0]),
                step=step.id,
            )

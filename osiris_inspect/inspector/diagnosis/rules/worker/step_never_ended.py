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

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model.event import Event
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("step_start",)
RANK = 69


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Steps that were left open while others went on."""
    for step in run.steps:
        later = _what_went_on(run, step) if step.status == "running" else None
        if later is None:
            continue
        begun = [event_evidence(event) for event in run.events_named("step_start", step=step.id)]
        yield Finding(
            rule="step-never-ended",
            severity=Severity.ERROR,
            confidence=Confidence.HIGH,
            domain="infra",
            message=f"the step began and has no end, and the log goes on with {later.original_name}"
            + (f" of {later.step!r}" if later.step else ""),
            evidence=(*begun[-1:], event_evidence(later)),
            step=step.id,
            fix="see what became of the step in the worker's text log",
        )


def _what_went_on(run: Run, step: StepState) -> Event | None:
    """The first sign that whoever ran the step had gone on; the end of a run that was given up is none."""
    events = run.events_named("step_start", "step_complete", "step_failed")
    return next(
        (event for event in events if event.step != step.id and event.line > step.line_range[1]), None
    )

"""A step succeeded only after it was retried.

What it finds:
    A successful step that the runtime ran again after an error, because its `retry` allows that.

Why it matters:
    The run is complete. A step that needs several attempts often will need too many one day.

How to fix:
    Look at the error of the attempts before. Ask those who run the service, raise its time limits, or allow more attempts.

Example:
    `"event": "step_retry", "step_id": "load", "attempt": 2, "of": 3, "because": "connection-lost"`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("steps",)
TEMPLATE = FindingTemplate(
    Severity.NOTE,
    "infra",
    "look at the errors of the attempts before, and allow more attempts if they become more frequent",
    Confidence.HIGH,
)
_MAX_ERROR = 160


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find successful steps with retries."""
    for step in run.steps:
        if step.status != "succeeded" or not step.retries:
            continue
        if len(run.events_named("step_lost", step=step.id)) >= step.retries:
            continue  # a rule of its own reports attempts that were lost with their machine
        failures = [event for event in run.events_named("step_failed", step=step.id) if event.error]
        cited = failures or run.events_named("step_retry", step=step.id)
        last = f": {excerpt(failures[-1].error or '', _MAX_ERROR)}" if failures else ""
        yield TEMPLATE.finding(
            f"succeeded at attempt {step.retries + 1}; the attempt before failed{last}",
            *map(event_evidence, cited[-2:]),
            step=step.id,
        )

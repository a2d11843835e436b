"""A step that should give a frame gave nothing.

What it finds:
    A step that completed without a frame, while a step that needs one failed for want of it.

Why it matters:
    The step calls itself a success, so the error appears one step later and looks like a fault there.

How to fix:
    Let the driver return `{"df": frame}`, also when the frame is empty.

Example:
    `compute-stats` completes with `rows_processed: 0` and no `rows_out`; `write-stats` requires a DataFrame.
"""

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import (
    completion_evidence,
    error_evidence,
    event_evidence,
)
from osiris_inspect.inspector.diagnosis.evidence.missing_input import consumers_missing_input
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("steps",)
RANK = 55


def check(run: Run, lineage: Lineage) -> Iterator[Finding]:
    """Steps that completed with nothing to show for it, and those that failed because their driver gave nothing."""
    yield from _told(run)
    for step in run.steps:
        starved = consumers_missing_input(step, run, lineage)
        if step.status != "succeeded" or step.is_writer or not starved or not _gave_nothing(run, step):
            continue
        yield Finding(
            rule="output-missing",
            severity=Severity.ERROR,
            confidence=Confidence.MEDIUM,
            domain="code",
            message=f"the step completed and left no frame; step {starved[0].id!r} got nothing",
            evidence=(*completion_evidence(run, step), *error_evidence(starved[0])),
            step=step.id,
            fix='let the driver return {"df": frame}, also for an empty frame',
        )


def _told(run: Run) -> Iterator[Finding]:
    for event in run.events_named("output_stored"):
        step, reason = run.step(event.step or ""), str(event.fields.get("reason") or "")
        gave_nothing = event.fields.get("storage") == "none" and not event.fields.get("keys")
        if step is None or step.status != "failed" or step.is_writer or not gave_nothing:
            continue
        if "not a mapping" not in reason:
            yield Finding(
                rule="output-missing",
                severity=Severity.ERROR,
                confidence=Confidence.HIGH,
                domain="code",
                message=f"the driver {step.driver} was to return {{'df': frame}}: {reason or 'it returned nothing'}",
                evidence=(event_evidence(event, "reason", "keys"), *error_evidence(step)),
                step=step.id,
                fix='let the driver return {"df": frame}, also for an empty frame',
            )


def _gave_nothing(run: Run, step: StepState) -> bool:
    told = any(metric.name == "rows_out" and metric.step == step.id for metric in run.metrics)
    return not told and step.storage == "none" and _rows_logged(run, step) == 0


def _rows_logged(run: Run, step: StepState) -> int:
    """The rows the step's end speaks of; 0 also where it names none."""
    ends = run.events_named("step_complete", "output_stored", step=step.id)
    return max((event.row_count or 0 for event in ends), default=0)

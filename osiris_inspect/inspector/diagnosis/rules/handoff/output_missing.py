"""A step returned no DataFrame.

What it finds:
    A step that completed without a DataFrame, and a step that failed because it needed one.

Why it matters:
    The step succeeds, so the error appears one step later and seems to be caused there.

How to fix:
    Return `{"df": frame}` from the driver, even if the DataFrame is empty.

Example:
    `compute-stats` completes with `rows_processed: 0` and no `rows_out`; `write-stats` requires a DataFrame.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import (
    completion_evidence,
    error_evidence,
    event_evidence,
)
from osiris_inspect.inspector.diagnosis.evidence.missing_input import consumers_missing_input
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("steps",)
EXPLAINS = ("frame-dropped-from-cache", "input-not-found")
TEMPLATE = FindingTemplate(
    Severity.ERROR, "code", 'return {"df": DataFrame} from the driver, even if it is empty'
)


def check(run: Run, lineage: Lineage) -> Findings:
    """Find steps that failed or completed without a frame."""
    for event in run.events_named("output_stored"):
        step, reason = run.step(event.step or ""), str(event.fields.get("reason") or "")
        is_empty = event.fields.get("storage") == "none" and not event.fields.get("keys")
        if step is None or step.status != "failed" or step.is_writer or not is_empty:
            continue
        if "not a mapping" not in reason:
            yield TEMPLATE.finding(
                f"the driver {step.driver} did not return {{'df': DataFrame}}: {reason or 'it returned nothing'}",
                event_evidence(event, "reason", "keys"),
                *error_evidence(step),
                step=step.id,
            )
    for step in run.steps:
        consumers = consumers_missing_input(step, run, lineage)
        if step.status == "succeeded" and not step.is_writer and consumers and _has_no_output(run, step):
            yield TEMPLATE.finding(
                f"completed without a DataFrame; {consumers[0].id!r} received no input",
                *completion_evidence(run, step),
                *error_evidence(consumers[0]),
                step=step.id,
                confidence=Confidence.MEDIUM,
            )


def _has_no_output(run: Run, step: StepState) -> bool:
    counted = any(metric.name == "rows_out" and metric.step == step.id for metric in run.metrics)
    ends = run.events_named("step_complete", "output_stored", step=step.id)
    return not counted and step.storage == "none" and not any(event.row_count for event in ends)

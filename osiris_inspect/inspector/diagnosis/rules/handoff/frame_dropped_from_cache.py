"""A step gave a frame and the frame was kept nowhere.

What it finds:
    A step completed with rows, nothing of them is in memory or in spill, and a step that needed them failed for want
    of an input.

Why it matters:
    The error appears at the next step and speaks of a None, while the fault is in the worker: what it kept of the
    step's result did not hold the frame. Changing the query of the failing step does not help.

How to fix:
    Keep the whole result of a step, frame included, and drop the frame from memory only after it was spilled. With the
    original, use a version whose worker does so, or see whether its spill to disk failed.

Example:
    `extract-movies` completes with 14 rows, no `output.parquet`, and `compute-stats` fails with
    `Python Object "input_df" of type "NoneType"`.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import (
    completion_evidence,
    error_evidence,
    run_card_evidence,
)
from osiris_inspect.inspector.diagnosis.evidence.missing_input import consumers_missing_input
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.run.summary import pluralize
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("steps",)
RANK = 60
TEMPLATE = FindingTemplate(
    Severity.ERROR,
    "code",
    "keep the whole result of the step, frame included; drop it from memory only after a spill succeeded",
    Confidence.MEDIUM,
)


def check(run: Run, lineage: Lineage) -> Findings:
    """Find steps that produced rows and whose frame was not available to a consumer."""
    for step in run.steps:
        consumers = consumers_missing_input(step, run, lineage)
        if step.status == "succeeded" and not step.is_writer and _is_lost(run, step, consumers):
            yield TEMPLATE.finding(
                f"the step gave {pluralize(step.rows_out or 0, 'row')}, and their frame is in neither memory "
                f"nor spill; step {consumers[0].id!r} got nothing",
                *completion_evidence(run, step),
                *run_card_evidence(run, step, "has_df_in_memory"),
                *error_evidence(consumers[0]),
                step=step.id,
            )


def _is_lost(run: Run, step: StepState, consumers: list[StepState]) -> bool:
    """Return True if the log says that the frame was not stored, or a consumer found it at no location."""
    if step.storage == "none":
        return bool(step.rows_out and consumers)
    misses = [event for other in consumers for event in run.events_named("input_not_found", step=other.id)]
    return any(
        all(
            isinstance(tried, dict) and tried.get("outcome") == "absent"
            for tried in event.fields.get("tried") or ()
        )
        for event in misses
        if step.id in event.upstream_steps and event.fields.get("key") in (None, "df")
    )

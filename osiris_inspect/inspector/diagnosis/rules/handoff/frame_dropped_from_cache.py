"""A step produced a DataFrame that was not stored.

What it finds:
    A step that completed with rows that are in neither memory nor spill, and a step that failed because it
    needed them.

Why it matters:
    The error appears at the next step and mentions None, but the fault is in the worker: the stored result
    did not contain the DataFrame. Changing the query of the failed step does not help.

How to fix:
    Run the pipeline with `osiris-inspect run`, also `--on e2b`: its worker keeps each frame until the steps that need it
    have used it. Workers of the original before 0.5 lose frames in a sandbox; a local run of the original keeps them.

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
from osiris_inspect.inspector.text.units import pluralize
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("steps",)
EXPLAINS = ("input-not-found",)
TEMPLATE = FindingTemplate(
    Severity.ERROR,
    "code",
    "run the pipeline with osiris-inspect run, whose worker keeps each frame until it was used, or locally; the query of "
    "the failed step is not the cause",
    Confidence.MEDIUM,
)


def check(run: Run, lineage: Lineage) -> Findings:
    """Find steps that produced rows and whose frame was not available to a consumer."""
    for step in run.steps:
        consumers = consumers_missing_input(step, run, lineage)
        if step.status == "succeeded" and not step.is_writer and _is_lost(run, step, consumers):
            yield TEMPLATE.finding(
                f"produced {pluralize(step.rows_out or 0, 'row')}, but the DataFrame was neither kept in memory "
                f"nor spilled; {consumers[0].id!r} received no input",
                *completion_evidence(run, step),
                *run_card_evidence(run, step, "has_df_in_memory"),
                *error_evidence(consumers[0]),
                step=step.id,
            )


def _is_lost(run: Run, step: StepState, consumers: list[StepState]) -> bool:
    """Return True if the frame was logged as not stored, or a consumer found it at no location."""
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

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

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.diagnosis.evidence.citations import (
    completion_evidence,
    error_evidence,
    run_card_evidence,
)
from osiris_inspect.inspector.diagnosis.evidence.missing_input import consumers_missing_input
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.units import pluralize
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS: Final = ("steps",)
RANK: Final = 60


def check(run: Run, lineage: Lineage) -> Iterator[Finding]:
    """Steps whose rows were there and whose frame was not."""
    for step in run.steps:
        starved = consumers_missing_input(step, run, lineage)
        if step.status != "succeeded" or step.is_writer or not starved or not _is_lost(run, step, starved):
            continue
        evidence = (
            *completion_evidence(run, step),
            *run_card_evidence(run, step, "has_df_in_memory"),
            *error_evidence(starved[0]),
        )
        yield Finding(
            rule="frame-dropped-from-cache",
            severity=Severity.ERROR,
            confidence=Confidence.MEDIUM,
            domain="code",
            message=f"the step gave {pluralize(step.rows_out or 0, 'row')}, and their frame is in neither memory "
            f"nor spill; step {starved[0].id!r} got nothing",
            evidence=evidence,
            step=step.id,
            fix="keep the whole result of the step, frame included; drop it from memory only after a spill succeeded",
        )


def _is_lost(run: Run, step: StepState, starved: list[StepState]) -> bool:
    """Whether a frame was given and is gone: the log says that it was kept nowhere, or who asked found it nowhere."""
    if step.storage == "none":
        return bool(step.rows_out)
    missed = [
        event
        for other in starved
        for event in run.events_named("input_not_found", step=other.id)
        if step.id in event.upstream_steps and event.fields.get("key") in (None, "df")
    ]
    return any(
        all(
            isinstance(place, dict) and place.get("outcome") == "absent"
            for place in event.fields.get("tried") or ()
        )
        for event in missed
    )

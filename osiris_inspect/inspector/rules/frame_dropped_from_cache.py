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

from osiris_inspect.inspector.cite import end_of, failure_of, in_card
from osiris_inspect.inspector.lineage import Lineage
from osiris_inspect.inspector.run import Run
from osiris_inspect.inspector.starving import starved_by
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS: Final = ("steps",)
RANK: Final = 60


def check(run: Run, lineage: Lineage) -> Iterator[Finding]:
    """Steps whose rows were there and whose frame was not."""
    for step in run.steps:
        starved = starved_by(step, run, lineage)
        if step.status != "succeeded" or step.is_writer or step.storage != "none" or not starved:
            continue
        if not step.rows_out:
            continue
        evidence = (*end_of(run, step), *in_card(run, step, "has_df_in_memory"), *failure_of(starved[0]))
        yield Finding(
            rule="frame-dropped-from-cache",
            severity=Severity.ERROR,
            confidence=Confidence.MEDIUM,
            domain="code",
            message=f"the step gave {step.rows_out:,} rows, and their frame is in neither memory nor spill; "
            f"step {starved[0].id!r} got nothing",
            evidence=evidence,
            step=step.id,
            fix="keep the whole result of the step, frame included; drop it from memory only after a spill succeeded",
        )

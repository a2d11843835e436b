"""Rows without a value in the key of a group are in no group.

What it finds:
    A step other than a query that returns one row per value of a column, where its only input has rows without a value
    in this column (at least 1 %) and the result has none.

Why it matters:
    `groupby` and `pivot_table` of pandas leave out rows without a key, and the sums of the groups are less than the total.

How to fix:
    Group with `dropna=False`, or replace the missing keys before. If these rows are left out on purpose, allow this rule for
    the step.

Example:
    `city` has no value in 60 of 240 rows, and the step returns Brno and Praha only.
"""

from typing import Final

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import query_of
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
MIN_SHARE: Final = 0.01
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "group with dropna=False, or replace the missing keys before; if the rows are left out on purpose, allow this rule for the step",
    Confidence.LOW,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find groups that lack the rows without a key."""
    for step, frame in run.successful_frames():
        source = run.frames.get(step.inputs[0].from_step or "") if len(step.inputs) == 1 else None
        if source is None or query_of(step.config) is not None:
            continue
        rows = source.rows or 0
        if not frame.rows or frame.rows * 2 > rows or len(frame.columns) < 2:
            continue
        keys = [
            column for column in frame.columns if column.name in frame.unique and source.column(column.name)
        ]
        key = keys[0] if keys and frame.columns[0] == keys[0] else None
        before = source.column(key.name) if key is not None else None
        if (
            key is not None
            and before is not None
            and before.name not in source.unique
            and (before.nulls or 0) > MIN_SHARE * rows
        ):
            yield TEMPLATE.finding(
                f"returned one row per value of {key.name!r}, and none for the {before.nulls:,} of {rows:,} rows without a value in it",
                frame_evidence(frame, key.name),
                frame_evidence(source, key.name),
                step=step.id,
            )

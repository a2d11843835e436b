"""A join gave far more rows than it got.

What it finds:
    A step with several inputs that gave more than ten times the rows of the largest of them.

Why it matters:
    The key of the join is not unique on either side, or there is none: every row meets many. Sums over it count twice.

How to fix:
    Count the rows for each key on both sides; make the key unique on one of them.

Example:
    `join-orders` gets 500 and 40 rows and gives 20,000.
"""

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import row_count_evidence
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("inputs_resolved",)

FACTOR = 10
FEW = 100
"""Rows from which on it is worth a word."""


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Steps of several inputs with many more rows than any of these."""
    for step in run.steps:
        got = [entry.rows for entry in step.inputs if entry.rows is not None]
        if step.status != "succeeded" or step.is_writer or len(got) < 2 or step.rows_out is None:
            continue
        if step.rows_out <= max(FEW, FACTOR * max(got)):
            continue
        sizes = " and ".join(f"{rows:,}" for rows in got)
        yield Finding(
            rule="join-explosion",
            severity=Severity.NOTE,
            confidence=Confidence.MEDIUM,
            domain="data",
            message=f"the step got {sizes} rows and gave {step.rows_out:,}",
            evidence=row_count_evidence(run, step, step.rows_out),
            step=step.id,
            fix="see whether the key of the join is unique on one side",
        )

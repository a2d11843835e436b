"""A join produced many more rows than it received.

What it finds:
    A step with several inputs whose output has more than ten times the rows of its largest input.

Why it matters:
    The join key is not unique on either side, or there is no key, so rows are multiplied and sums count them
    twice.

How to fix:
    Count the rows per key on both sides and make the key unique on one of them.

Example:
    `join-orders` receives 500 and 40 rows and returns 20,000.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import row_count_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("inputs_resolved",)
MAX_FACTOR = 10
MIN_ROWS = 100
TEMPLATE = FindingTemplate(
    Severity.NOTE, "data", "check that the join key is unique on one side", Confidence.MEDIUM
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find steps with several inputs whose output is much larger than each input."""
    for step in run.steps:
        rows_in = [entry.rows for entry in step.inputs if entry.rows is not None]
        if step.status != "succeeded" or step.is_writer or len(rows_in) < 2 or step.rows_out is None:
            continue
        if step.rows_out > max(MIN_ROWS, MAX_FACTOR * max(rows_in)):
            sizes = " and ".join(f"{rows:,}" for rows in rows_in)
            evidence = row_count_evidence(run, step, step.rows_out)
            yield TEMPLATE.finding(
                f"received {sizes} rows and produced {step.rows_out:,}", *evidence, step=step.id
            )

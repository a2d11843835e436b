"""A CASE returns the same value in all rows.

What it finds:
    A CASE that chooses between constants and returns one of them in all rows, at least 100, although the columns of its
    conditions have several values.

Why it matters:
    Values in another case or another unit, or a condition before it that is always true, make the other branches
    unreachable.

How to fix:
    Compare the conditions with the values of the columns. If one result is right, allow this rule for the step.

Example:
    `CASE WHEN status = 'paid' THEN 1 ELSE 0 END` is 0 in all of 500 rows, because the values are 'Paid' and 'New'.
"""

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_checks import checks_named
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("case-has-one-result",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "compare the conditions of the CASE with the values of the column; if one result is right, allow this rule for the step",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find CASE expressions with one result."""
    for column in checks_named(run, "case-has-one-result"):
        yield TEMPLATE.finding(
            f"the CASE that makes {column.text('column')!r} returned the same value in all of {column.count('rows'):,} rows, "
            "although its conditions read a column with several values",
            column.evidence,
            step=column.step,
        )

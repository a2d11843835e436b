"""Rows fall into two ranges of a join, because the ranges include both ends.

What it finds:
    A join with BETWEEN, or with `>=` and `<=`, in which a range ends with the value that the next range begins with, and
    rows with this value. Ranges that overlap in other places are not reported.

Why it matters:
    Such a row comes twice: with the band, the price or the period that ends, and with the one that begins. Sums count it
    twice.

How to fix:
    Exclude one end: `value >= low AND value < high`. If both ranges are meant, allow this rule for the step.

Example:
    `amount BETWEEN low AND high` with the ranges 0 to 100 and 100 to 200: 5 of 60 rows have the amount 100.
"""

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_checks import checks_named
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("ranges-share-bounds",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "compare with >= and <, so that each value is in one range; if both ranges are meant, allow this rule for the step",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find joins by ranges in which a row falls into two."""
    for join in checks_named(run, "ranges-share-bounds"):
        yield TEMPLATE.finding(
            f"{join.count('repeated'):,} of {join.count('rows'):,} rows of {join.text('table')!r} fall into two ranges of "
            f"{join.text('partner')!r}: one ends with the value that the next begins with, and the join includes both ends",
            join.evidence,
            step=join.step,
        )

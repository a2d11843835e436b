"""A comparison with <> leaves out the rows without a value.

What it finds:
    A condition `column <> constant` of a query whose input has no value in this column in at least 5 % of the rows. A
    query that tests the column with IS NULL or IS NOT NULL is not reported.

Why it matters:
    A comparison with NULL is never true, so these rows are left out as well, although they are not the excluded ones.

How to fix:
    Compare with `IS DISTINCT FROM`, or add `OR column IS NULL`. If rows without a value are to be left out, add
    `AND column IS NOT NULL`.

Example:
    `WHERE status <> 'cancelled'` also leaves out 300 of 900 rows that have no status.
"""

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_checks import checks_named
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("nulls-left-out",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "compare with IS DISTINCT FROM, or state with IS NOT NULL that these rows are to be left out",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find comparisons that leave out rows without a value."""
    for found in checks_named(run, "nulls-left-out"):
        yield TEMPLATE.finding(
            f"the comparison of {found.text('column')!r} with <> also leaves out {found.count('nulls'):,} of "
            f"{found.count('rows'):,} rows, which have no value in it",
            found.evidence,
            step=found.step,
        )

"""A column has its fallback value in all rows.

What it finds:
    `COALESCE(column, 'unknown')` that returns one value in all rows, at least 20, although the column has several
    values in the input, and no condition restricts the rows.

Why it matters:
    A join that found no partner or a conversion that failed leaves the column empty, and the fallback hides it.

How to fix:
    Compare the keys of the join, or the conversion, without the fallback. If one value is right, allow this rule for the
    step.

Example:
    `coalesce(c.name, 'unknown')` is the same in all of 1,000 rows, and `customers` has 200 names.
"""

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_checks import checks_named
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("fallback-in-all-rows",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "run the query without the fallback and check the join or the conversion; if one value is right, allow this rule for the step",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find columns that have a fallback value in all rows."""
    for column in checks_named(run, "fallback-in-all-rows"):
        yield TEMPLATE.finding(
            f"{column.text('column')!r}, which has a fallback value, is the same in all of {column.count('rows'):,} rows, "
            "although the input has several values",
            column.evidence,
            step=column.step,
        )

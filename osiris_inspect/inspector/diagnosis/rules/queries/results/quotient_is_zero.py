"""A division of whole numbers is 0 in all rows.

What it finds:
    A column of at least 20 rows that a query makes with `//` and that is 0 in all of them, although the columns that it
    divides have several values.

Why it matters:
    The division of whole numbers drops the fraction, so a rate or a share is always 0.

How to fix:
    Divide with `/`, or multiply before dividing.

Example:
    `orders // visits AS rate` is 0 in all rows.
"""

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_checks import checks_named
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "divide with / in the query, or multiply before dividing; // drops the fraction",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find quotients that are always 0."""
    for column in checks_named(run, "quotient-is-zero"):
        yield TEMPLATE.finding(
            f"the division of whole numbers that makes {column.text('column')!r} is 0 in all of {column.count('rows'):,} rows",
            column.evidence,
            step=column.step,
        )

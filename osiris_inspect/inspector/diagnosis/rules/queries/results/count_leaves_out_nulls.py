"""A count of rows counts only those with a value in a column.

What it finds:
    `count(column)` whose alias is the name of a count of rows, such as `n`, `total`, `orders` or `customers`, where at least
    5 % of the rows have no value in the column. A count that is named after its column is not reported.

Why it matters:
    `count(column)` leaves out rows without a value, so the number is too small.

How to fix:
    Write `count(*)`. If only rows with a value are to be counted, name the result after the column.

Example:
    `count(phone) AS customers` leaves out 58 of 400 rows.
"""

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_checks import checks_named
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("count-leaves-out-nulls",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "write count(*); if only rows with a value are to be counted, name the result after the column",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find counts of rows that leave out rows without a value."""
    for found in checks_named(run, "count-leaves-out-nulls"):
        yield TEMPLATE.finding(
            f"count({found.text('column')}) AS {found.text('name')} leaves out {found.count('lost'):,} of {found.count('rows'):,} rows, which have no value in it",
            found.evidence,
            step=found.step,
        )

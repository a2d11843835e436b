"""A sum adds amounts of several currencies, or quantities of several units.

What it finds:
    SUM or AVG of an amount in a table with a column `currency`, or of a quantity in one with a column `unit`, where a
    group has several currencies or units and the query does not use that column. Amounts that have a currency in their
    name or are multiplied by a rate are not reported.

Why it matters:
    The total of 100 EUR and 2,500 CZK is not 2,600 of anything.

How to fix:
    Add the column to GROUP BY, or convert the values before the sum. If all values are in one currency or unit, allow
    this rule for the step.

Example:
    `per-shop` sums `amount` of sales in CZK, EUR and HUF by shop.
"""

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_checks import checks_named
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("sum-over-units",)
TEMPLATE = FindingTemplate(Severity.WARNING, "data", confidence=Confidence.MEDIUM)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find sums of values in several currencies or units."""
    for found in checks_named(run, "sum-over-units"):
        groups, column = found.count("groups"), found.text("column")
        where = f", in {found.count('mixed'):,} of {groups:,} groups" if groups > 1 else ""
        yield TEMPLATE.finding(
            f"{found.text('aggregate')} adds values of different {column!r} without conversion: the rows have "
            f"{found.count('units'):,} different ones{where}",
            found.evidence,
            step=found.step,
            fix=f"add {column!r} to GROUP BY, or convert the values before the sum; if all values are in one {column!r}, "
            "allow this rule for the step",
        )

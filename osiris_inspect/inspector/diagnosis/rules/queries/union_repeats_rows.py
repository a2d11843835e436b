"""A union has the same rows twice, because its inputs share them.

What it finds:
    UNION ALL of two inputs with all of their columns, if a key such as `order_no` is different in each row of both inputs,
    and three or more rows are in both, equal in all columns.

Why it matters:
    Rows that were moved to an archive and not yet deleted, or two exports of overlapping periods, come twice, and sums
    count them twice.

How to fix:
    Restrict one input to the rows that the other does not have, or write UNION. If the rows belong there twice, allow this
    rule for the step.

Example:
    `all-orders` unites `archived` and `live`, and 140 of 760 rows are in both.
"""

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_checks import checks_named
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("union-repeats-rows",)
EXPLAINS = ("rows-multiplied",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "restrict one input to the rows that the other does not have; if they belong there twice, allow this rule for the step",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find unions of inputs that share rows."""
    for found in checks_named(run, "union-repeats-rows"):
        yield TEMPLATE.finding(
            f"{found.count('repeated'):,} rows are in {found.text('table')!r} and in {found.text('partner')!r}, equal in all "
            f"columns, so UNION ALL has them twice; {found.text('column')!r} is different in each row of both inputs",
            found.evidence,
            step=found.step,
        )

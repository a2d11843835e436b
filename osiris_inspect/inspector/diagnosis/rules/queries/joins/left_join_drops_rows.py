"""A condition of WHERE drops the rows that a left join keeps.

What it finds:
    A left join with rows without a partner, and a condition on the columns of the other side that does not allow them
    to be empty.

Why it matters:
    The columns are NULL in those rows, so the condition is not true for them, and the left join is an inner join.

How to fix:
    Move the condition to ON, or add OR … IS NULL. If the rows do not belong in the result, write an inner join.

Example:
    `report` joins `orders` with `customers`, and `WHERE region = 'EU'` drops 12 orders without a customer.
"""

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_checks import checks_named
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("left-join-drops-rows",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "move the condition to ON; if these rows do not belong in the result, write an inner join",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find left joins whose rows without a partner are dropped."""
    for join in checks_named(run, "left-join-drops-rows"):
        yield TEMPLATE.finding(
            f"the left join with {join.text('table')!r} kept {join.count('rows'):,} rows without a partner, "
            f"and the condition on {join.text('column')!r} in WHERE dropped them",
            join.evidence,
            step=join.step,
        )

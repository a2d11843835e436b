"""A join compares the ids of two different things.

What it finds:
    A join by `a.id = b.id` although the first table has a column such as `b_id`, and all of its values are in `b.id`.

Why it matters:
    Ids of different tables are equal by chance, so rows find no partner or a wrong one, and the query does not fail.

How to fix:
    Compare the column that refers to the other table: `a.b_id = b.id`. If both tables share their ids, allow this rule for
    the step.

Example:
    `with-segment` joins orders and customers by `o.id = c.id`, and `orders` has a column `customer_id`.
"""

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_checks import checks_named
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("join-uses-other-key",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "compare this column with id; if both tables share their ids, allow this rule for the step",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find joins by the ids of two different things."""
    for found in checks_named(run, "join-uses-other-key"):
        yield TEMPLATE.finding(
            f"the join compares 'id' of {found.text('table')!r} with 'id' of {found.text('partner')!r}, although all values of "
            f"{found.text('column')!r} in {found.text('table')!r} are ids of {found.text('partner')!r}",
            found.evidence,
            step=found.step,
        )

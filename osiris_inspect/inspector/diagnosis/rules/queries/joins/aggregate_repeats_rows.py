"""A sum counts rows several times, because a join repeats them.

What it finds:
    A sum, an average or a count of a column of one input, in a query that joins a second input with several rows for
    each row of the first.

Why it matters:
    The value of a row is added once for each of its partners, so the total is too high.

How to fix:
    Aggregate the second input by the join key before it is joined, or count distinct keys. A sum of the side with many
    rows, a largest or smallest value and a distinct count are not reported. If the value belongs to each partner, allow
    this rule for the step.

Example:
    `report` sums `amount` of `orders` after a join with `items`, and 40 orders have several items.
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
    "aggregate the other input by the join key before the join; if the value belongs to each partner, allow this rule for the step",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find aggregates over rows that a join repeats."""
    for aggregate in checks_named(run, "aggregate-repeats-rows"):
        yield TEMPLATE.finding(
            f"{aggregate.text('aggregate')} counts rows of {aggregate.text('table')!r} several times: "
            f"{aggregate.count('rows'):,} of them are repeated by the join with {aggregate.text('partner')!r}",
            aggregate.evidence,
            step=aggregate.step,
        )

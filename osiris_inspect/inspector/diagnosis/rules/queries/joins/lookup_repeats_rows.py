"""A few keys are in a lookup table twice, so that a join repeats rows.

What it finds:
    A join of two inputs by one column, a name or the key of the second input, of which up to 5 % of the rows repeat a key,
    while nine of ten rows of the first input have a partner. A query that groups its rows is not reported.

Why it matters:
    Each row with such a key comes twice, with the columns of one partner and of the other, and counts and sums include it
    twice.

How to fix:
    Remove the second rows of these keys, or join by a key that is unique. If several partners are intended, allow this rule
    for the step.

Example:
    `with-unit` joins 250 badges with a directory by `full_name`, 6 names are in the directory twice, and 256 rows result.
"""

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_checks import checks_named
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("lookup-repeats-rows",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "make the key unique before the join, or join by a unique one; if several partners are intended, allow this rule for the step",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find joins with a table in which a few keys are repeated."""
    for found in checks_named(run, "lookup-repeats-rows"):
        yield TEMPLATE.finding(
            f"{found.count('repeated'):,} of {found.count('rows'):,} rows of {found.text('table')!r} have several partners in "
            f"{found.text('partner')!r}: {found.count('keys'):,} rows there repeat a value of {found.text('column')!r}",
            found.evidence,
            step=found.step,
        )

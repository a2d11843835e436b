"""A period ends at midnight of its last day.

What it finds:
    A time that is compared with a day as the upper bound, and rows later on that day.

Why it matters:
    A day without a time is midnight, so the rows of the last day are left out.

How to fix:
    Compare with less than the next day, or convert the time to a date. If the last day is not meant, allow this rule for
    the step.

Example:
    `WHERE at BETWEEN '2024-01-01' AND '2024-01-31'` leaves out 310 rows of January 31.
"""

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_checks import checks_named
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("period-cuts-last-day",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "compare with < the next day, or convert the column to a date",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find periods without the rows of their last day."""
    for period in checks_named(run, "period-cuts-last-day"):
        yield TEMPLATE.finding(
            f"{period.text('column')!r} is compared with {period.text('day')}, which is midnight: "
            f"{period.count('rows'):,} rows later on that day are left out",
            period.evidence,
            step=period.step,
        )

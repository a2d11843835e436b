"""A count of rows counts 1 for what is missing.

What it finds:
    `count(*)` of a left join that is grouped by the key of its first table, of which some rows have no partner. A count that
    is named after the first table is not reported.

Why it matters:
    A row without a partner stays in the result of a left join, so `count(*)` is 1 where 0 is right.

How to fix:
    Count a column of the second table, such as its key. If rows of the join are to be counted, allow this rule for the
    step.

Example:
    `per-doctor` counts 1 appointment for each of 70 doctors without an appointment.
"""

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_checks import checks_named
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("count-of-missing-partner",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "count a column of the joined table in place of count(*); if rows of the join are meant, allow this rule for the step",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find counts of a left join that count rows without a partner."""
    for found in checks_named(run, "count-of-missing-partner"):
        yield TEMPLATE.finding(
            f"count(*) is 1 in place of 0 for {found.count('unmatched'):,} of {found.count('rows'):,} rows of "
            f"{found.text('table')!r}, which have no partner in {found.text('partner')!r}",
            found.evidence,
            step=found.step,
        )

"""Many keys are not in a lookup table, and a word such as 'Unknown' hides it.

What it finds:
    A left join of which a fifth of the rows or more has a key without a partner, and `coalesce` replaces a column of the
    other table with a word for what is unknown. Rows without a key do not count, nor does a word such as 'Other'.

Why it matters:
    The lookup table is old or incomplete, and the result has no empty column that shows it.

How to fix:
    Add the missing keys to the lookup table. If so many are unknown in good data, allow this rule for the step.

Example:
    In `labelled` 150 of 414 deals have a team that is not in `teams`, and their team is 'Unknown'.
"""

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_checks import checks_named
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("keys-unknown-to-lookup",)
EXPLAINS = ("values-missing-or-new",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "add the missing keys to the lookup table; if so many are unknown in good data, allow this rule for the step",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find left joins of which a constant hides many rows without a partner."""
    for found in checks_named(run, "keys-unknown-to-lookup"):
        yield TEMPLATE.finding(
            f"{found.count('unmatched'):,} of {found.count('rows'):,} rows of {found.text('table')!r} have a key that is not in "
            f"{found.text('partner')!r}, and {found.text('word')!r} replaces their {found.text('column')!r}",
            found.evidence,
            step=found.step,
        )

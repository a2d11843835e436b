"""Numbers are compared as text.

What it finds:
    The smallest or largest value of a text column, or a comparison with < or > of one, where all values are numbers of
    different lengths. The same for months and days without leading zeros, such as '2026-9'.

Why it matters:
    As text '10' is smaller than '9', so the result is wrong.

How to fix:
    Convert the column to a number or a date before it is compared.

Example:
    `latest` returns max(version) = '9'; the column also has '10'.
"""

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_checks import checks_named
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("numbers-compared-as-text", "days-compared-as-text")
TEMPLATE = FindingTemplate(
    Severity.WARNING, "data", "convert the column to a number before it is compared", Confidence.MEDIUM
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find numbers that are ordered as text."""
    for comparison in checks_named(run, "numbers-compared-as-text"):
        yield TEMPLATE.finding(
            f"{comparison.text('column')!r} holds numbers as text, and {comparison.text('use')} orders them as text: '10' before '9'",
            comparison.evidence,
            step=comparison.step,
        )
    for comparison in checks_named(run, "days-compared-as-text"):
        yield TEMPLATE.finding(
            f"{comparison.text('column')!r} has months or days as text without leading zeros, such as "
            f"{comparison.text('example')!r}, and the query compares them as text: '2026-10' before '2026-9'",
            comparison.evidence,
            step=comparison.step,
            fix="convert the column and the bound to dates before they are compared",
        )

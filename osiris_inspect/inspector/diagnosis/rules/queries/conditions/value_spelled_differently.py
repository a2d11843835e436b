"""A condition compares with a text that the rows have in another spelling.

What it finds:
    A text in a condition of a query (`=`, `<>`, IN, CASE) that a column has with another case, with spaces at its ends
    or, if no row has the text itself, with one other letter. A spelling that the query also contains is not reported.

Why it matters:
    The comparison is false for these rows: they are left out, or they are not excluded, and the run succeeds.

How to fix:
    Write the text as the rows have it, or compare `lower(trim(column))` where the spelling varies. If the texts are
    different values, allow this rule for the step.

Example:
    `WHERE status = 'paid'` leaves out 85 rows with 'Paid'.
"""

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_checks import checks_named
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("value-spelled-differently",)
LEADS_TO = ("input-without-rows",)
EXPLAINS = ("values-missing-or-new",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "write the text as the rows have it, or compare lower(trim(column)); if they are different values, allow this rule for the step",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find texts of conditions that rows have in another spelling."""
    for found in checks_named(run, "value-spelled-differently"):
        others = ", ".join(map(repr, found.texts("others"))) or "it in another case"
        matched = found.count("matched")
        own = f"{matched:,} rows have it" if matched else "no row has it"
        yield TEMPLATE.finding(
            f"a condition compares {found.text('column')!r} with {found.text('value')!r}: {own}, and {found.count('rows'):,} rows have {others}",
            found.evidence,
            step=found.step,
        )

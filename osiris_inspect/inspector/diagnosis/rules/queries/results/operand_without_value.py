"""A sum, a difference or a joined text has no value, because one of its parts has none.

What it finds:
    A column made by `+` or `||` of several columns, by `-` of a discount, a tax or a fee, or by SUM of a product, where
    one column has no value in at least 5 % of the rows and the others have one; a product with a rate or a price of the
    right table of a left join that has no row for up to half of the rows. COALESCE, concat, CASE and a condition
    IS NULL or IS NOT NULL are taken as an answer to it.

Why it matters:
    An operation with NULL is NULL, and SUM leaves such rows out: the amounts of these rows are lost.

How to fix:
    Write `coalesce(column, 0)`, or `concat` for text. If the result is unknown without the part, state it with
    `WHERE column IS NOT NULL`, or allow this rule for the step.

Example:
    `amount - discount AS net`: 300 of 900 rows have no discount, and no net amount.
"""

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_checks import checks_named
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("operand-without-value",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "write coalesce(column, 0), or concat for text; if the result is unknown without the part, allow this rule for the step",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find results that are NULL because one operand is."""
    for found in checks_named(run, "operand-without-value"):
        partner = found.text("partner")
        if partner:
            yield TEMPLATE.finding(
                f"{found.text('column')!r} is NULL in {found.count('lost'):,} of {found.count('rows'):,} rows, which have no "
                f"{found.text('operand')!r}: the left join found none for them in {partner!r}, and a sum leaves them out",
                found.evidence,
                step=found.step,
                fix=f"add the missing rows to {partner!r}, or state the value without one with coalesce; if the result is "
                "unknown without it, allow this rule for the step",
            )
            continue
        yield TEMPLATE.finding(
            f"{found.text('column')!r} leaves out {found.count('lost'):,} of {found.count('rows'):,} rows: "
            f"{found.text('operand')!r} has no value in them, and {found.text('operator')!r} with NULL is NULL",
            found.evidence,
            step=found.step,
        )

"""Numbers lose their fractions before they are multiplied or added up.

What it finds:
    A product, a sum or an average of `CAST(column AS INTEGER)`, where a fifth or more of the values of the column have
    a fraction. A result that is converted as a whole is not reported, nor is a conversion after floor or round.

Why it matters:
    Each value is rounded before the calculation, so the result differs by much more than a rounding of the result.

How to fix:
    Convert the result in place of its operands. If rounded values are meant, round them in the query, or allow this rule
    for the step.

Example:
    `lines` multiplies CAST(price AS INTEGER) with `pieces`, and 300 of 400 prices have a fraction.
"""

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_checks import checks_named
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("fractions-cut",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "convert the result in place of its operands; if rounded values are meant, allow this rule for the step",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find calculations with numbers that lost their fractions."""
    for found in checks_named(run, "fractions-cut"):
        yield TEMPLATE.finding(
            f"{found.count('cut'):,} of {found.count('values'):,} values of {found.text('column')!r} lose their fraction by the "
            f"conversion to {found.text('type')} before the query multiplies or adds them up",
            found.evidence,
            step=found.step,
        )

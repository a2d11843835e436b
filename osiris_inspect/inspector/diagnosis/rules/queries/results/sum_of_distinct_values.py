"""A sum leaves out equal values.

What it finds:
    `sum(DISTINCT column)` or `avg(DISTINCT column)` over the rows of one table, in which several rows of a group have the
    same value.

Why it matters:
    Two payments of 50 are two payments, and DISTINCT adds 50 once.

How to fix:
    Remove DISTINCT; if a join repeats rows, aggregate before the join. If equal values are the same thing, allow this rule
    for the step.

Example:
    `by-donor` returns sum(DISTINCT amount), and 120 of 400 donations equal another one of their donor.
"""

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_checks import checks_named
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("sum-of-distinct-values",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "remove DISTINCT; if equal values are the same thing, allow this rule for the step",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find sums of distinct values."""
    for found in checks_named(run, "sum-of-distinct-values"):
        yield TEMPLATE.finding(
            f"{found.text('aggregate')} leaves out {found.count('left_out'):,} of {found.count('rows'):,} values, which equal "
            f"another one of their group",
            found.evidence,
            step=found.step,
        )

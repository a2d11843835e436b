"""A union leaves out equal rows of one input.

What it finds:
    UNION without ALL over all columns of an input in which rows are equal, unless the input has a column `id`, `uuid`,
    `guid`, `pk` or `row_id`.

Why it matters:
    UNION keeps one of several equal rows, also if they come from the same input: two equal payments on one day become
    one, and the totals are too small.

How to fix:
    Write UNION ALL. If equal rows are to be left out, allow this rule for the step.

Example:
    `all-payments` unites two inputs with UNION; 12 of the 300 rows of `january` equal another of its rows.
"""

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_checks import checks_named
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("union-removes-rows",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "write UNION ALL; if equal rows are to be left out, allow this rule for the step",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find unions that left out equal rows of one input."""
    for union in checks_named(run, "union-removes-rows"):
        yield TEMPLATE.finding(
            f"the union left out {union.count('removed'):,} of {union.count('rows'):,} rows of {union.text('table')!r}, which equal another of its rows",
            union.evidence,
            step=union.step,
        )

"""A union puts values into the wrong columns.

What it finds:
    UNION, EXCEPT or INTERSECT of two queries that have the same columns in another order.

Why it matters:
    SQL joins them by position and takes the names from the first, so the values of one column get the name of another.

How to fix:
    Write UNION ALL BY NAME, or list the columns of both queries in one order.

Example:
    `all-orders` unites `id, amount, fee` and `id, fee, amount`.
"""

from osiris_inspect.inspector.diagnosis.evidence.query_checks import checks_named
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity

NEEDS = ("output_stored",)
MAX_COLUMNS = 4
TEMPLATE = FindingTemplate(
    Severity.WARNING, "data", "write UNION ALL BY NAME, or list the columns of both queries in one order"
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find unions of columns in another order."""
    for union in checks_named(run, "union-columns-swapped"):
        pairs = list(zip(union.texts("into"), union.texts("values_of"), strict=False))[:MAX_COLUMNS]
        swapped = " and ".join(f"{other!r} in {one!r}" for one, other in pairs)
        yield TEMPLATE.finding(
            f"the union takes columns by position, and their order differs: it puts the values of {swapped}",
            union.evidence,
            step=union.step,
        )

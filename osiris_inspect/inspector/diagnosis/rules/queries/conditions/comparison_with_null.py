"""A condition is true for no row, because it compares with NULL.

What it finds:
    A comparison with the constant NULL, or NOT IN with a list from a query that has a row without a value.

Why it matters:
    A comparison with NULL is neither true nor false, so it holds for no row. One NULL in the list of NOT IN has the same
    effect.

How to fix:
    Write IS NULL or IS NOT NULL. In the list of NOT IN leave out the rows without a value, or write NOT EXISTS.

Example:
    `new-customers` returns 0 rows: `id NOT IN (SELECT customer_id FROM orders)`, and 3 orders have no customer.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import config_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_checks import checks_named
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import compared_with_null, query_key
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity
from osiris_inspect.model.run_layout import is_safe_name

NEEDS = ("steps",)
LEADS_TO = ("input-without-rows",)
TEMPLATE = FindingTemplate(Severity.WARNING, "data", "write IS NULL or IS NOT NULL", Confidence.MEDIUM)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find comparisons that no row fulfils."""
    checked = set()
    for comparison in checks_named(run, "comparison-with-null"):
        checked.add(comparison.step)
        yield TEMPLATE.finding(
            f"the query compares {comparison.text('column')!r} with NULL, which is true for no row",
            comparison.evidence,
            step=comparison.step,
        )
    for excluded in checks_named(run, "not-in-with-null"):
        yield TEMPLATE.finding(
            f"{excluded.text('column')!r} NOT IN (SELECT …) is true for no row: {excluded.count('nulls'):,} rows of the list have no value",
            excluded.evidence,
            step=excluded.step,
            fix="leave out the rows without a value in the list, or write NOT EXISTS",
        )
    for step in run.steps:
        key = query_key(step.config)
        query = step.config.get(key)
        is_known = step.status == "succeeded" and step.id not in checked and is_safe_name(step.id)
        column = compared_with_null(query) if is_known and isinstance(query, str) else None
        if column is not None:
            yield TEMPLATE.finding(
                f"the query compares {column!r} with NULL, which is true for no row",
                config_evidence(step.id, key),
                step=step.id,
            )

"""A query does not use an input that its step needs.

What it finds:
    A DuckDB step with several inputs whose query does not name all of them.

Why it matters:
    The query misses a table, or the step waits for an input that it does not use.

How to fix:
    Use the table in the query, or remove the need.

Example:
    `join` needs `orders` and `customers`, and its query names `df_orders` only.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import config_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.step_configs import inputs_not_in_query
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("configuration", "steps")
TEMPLATE = FindingTemplate(
    Severity.NOTE, "config", "use the table in the query or remove the need", Confidence.MEDIUM
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find inputs whose names do not occur in the query."""
    for step, unused in inputs_not_in_query(run):
        names = ", ".join(repr(entry.from_step) for entry in unused if entry.from_step)
        message = f"the query did not use the output of {names}, which the step needs"
        yield TEMPLATE.finding(message, config_evidence(step.id, "query"), step=step.id)

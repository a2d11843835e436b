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

import re
from collections.abc import Iterable

from osiris_inspect.inspector.diagnosis.evidence.citations import config_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.step_configs import duckdb_queries
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import InputState, Run
from osiris_inspect.model.finding import Confidence, Severity
from osiris_inspect.model.manifest import input_name

NEEDS = ("configuration", "steps")
TEMPLATE = FindingTemplate(
    Severity.NOTE, "config", "use the table in the query or remove the need", Confidence.MEDIUM
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find inputs whose names do not occur in the query."""
    for step, query in duckdb_queries(run):
        if len(step.inputs) < 2:
            continue
        unused = [entry for entry in step.inputs if not _names_table(query, _table_names(entry))]
        if not unused or re.search(r"\b(?:input_df|df)\b", query, re.IGNORECASE):
            continue
        names = ", ".join(repr(entry.from_step) for entry in unused if entry.from_step)
        message = f"the query did not use the output of {names}, which the step needs"
        yield TEMPLATE.finding(message, config_evidence(step.id, "query"), step=step.id)


def _table_names(entry: InputState) -> set[str]:
    return {entry.name} | ({input_name(entry.from_step), entry.from_step} if entry.from_step else set())


def _names_table(query: str, names: Iterable[str]) -> bool:
    return any(
        re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", query, re.IGNORECASE) for name in names if name
    )

"""A query with several inputs does not name any of them.

What it finds:
    A DuckDB step with several inputs whose query reads `df` or `input_df`, the table names of an only input.

Why it matters:
    The version decides which input is read: the last one, the first one, or none.

How to fix:
    Use the name of each input in the query: `df_<step>`.

Example:
    `join` needs `orders` and `customers`, and its query reports `FROM input_df`.
"""

import re

from osiris_inspect.inspector.diagnosis.evidence.citations import config_evidence, error_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.step_configs import duckdb_queries
from osiris_inspect.inspector.diagnosis.evidence.missing_input import error_reports_missing_input
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("configuration", "steps")
TEMPLATE = FindingTemplate(
    Severity.WARNING, "config", "use the name of each input in the query", Confidence.MEDIUM
)
_ANY_INPUT = LazyRegex(r"\b(?:FROM|JOIN)\s+\"?(?P<table>input_df|df)\b(?!\s*\.)", re.IGNORECASE)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find steps with several inputs whose query reads the table name of an only input."""
    for step, query in duckdb_queries(run):
        match = _ANY_INPUT.search(query)
        if match is None or len({entry.from_step for entry in step.inputs}) < 2:
            continue
        names = [entry.name for entry in step.inputs]
        if names.count(match["table"]) == 1 and len(set(names)) == len(names):
            continue  # the pipeline itself gives one of the inputs this name
        failed = error_reports_missing_input(step)
        yield TEMPLATE.finding(
            f"the query read {match['table']!r}, but the step has {len(names)} inputs: "
            f"{', '.join(map(repr, dict.fromkeys(names)))}",
            config_evidence(step.id, "query"),
            *(error_evidence(step) if failed else ()),
            step=step.id,
            severity=Severity.ERROR if failed else None,
            confidence=Confidence.HIGH if failed else None,
        )

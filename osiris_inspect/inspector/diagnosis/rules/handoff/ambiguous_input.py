"""A query with several inputs names none of them.

What it finds:
    A DuckDB step of several inputs whose query reads `df` or `input_df`, which stand for the only input of a step.

Why it matters:
    Which frame that is depends on the version: the last one, the first one, or none.

How to fix:
    Use the name of each input in the query: `df_<step>`.

Example:
    `join` needs `orders` and `customers`, and its query says `FROM input_df`.
"""

import re
from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import error_evidence
from osiris_inspect.inspector.run.error_phrases import reports_missing_input
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity

NEEDS = ("configuration", "steps")
RANK = 27

_ANY = LazyRegex(r"\b(?:FROM|JOIN)\s+\"?(?P<table>input_df|df)\b(?!\s*\.)", re.IGNORECASE)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Steps of several inputs that ask for the only one."""
    for step in run.steps:
        query = step.config.get("query")
        if (
            step.driver != "duckdb.processor"
            or not isinstance(query, str)
            or not layout.is_safe_name(step.id)
        ):
            continue
        named = [entry.name for entry in step.inputs]
        match = _ANY.search(query)
        if match is None or len({entry.from_step for entry in step.inputs}) < 2:
            continue
        if named.count(match["table"]) == 1 and len(set(named)) == len(named):
            continue  # the pipeline itself gives one of its inputs this name
        failed = step.failure is not None and reports_missing_input(step.failure.message)
        yield Finding(
            rule="ambiguous-input",
            severity=Severity.ERROR if failed else Severity.WARNING,
            confidence=Confidence.HIGH if failed else Confidence.MEDIUM,
            domain="config",
            message=f"the query reads {match['table']!r}, and the step has {len(step.inputs)} inputs: "
            f"{', '.join(map(repr, dict.fromkeys(named)))}",
            evidence=(
                Evidence(layout.config_path(step.id), 0, '"query"'),
                *(error_evidence(step) if failed else ()),
            ),
            step=step.id,
            fix="use the name of each input in the query",
        )

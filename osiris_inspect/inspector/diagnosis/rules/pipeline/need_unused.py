"""A query never uses a frame that its step needs.

What it finds:
    A DuckDB step with several inputs whose query names all but one of them.

Why it matters:
    Either the query forgets a table, or the step waits, and fails, for one it does not want.

How to fix:
    Use the table in the query, or remove the need.

Example:
    `join` needs `orders` and `customers`, and its query names `df_orders` only.
"""

import re
from collections.abc import Iterator

from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity
from osiris_inspect.model.manifest import input_name

NEEDS = ("configuration", "steps")


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Inputs whose names do not occur in the query."""
    for step in run.steps:
        query = step.config.get("query")
        if step.driver != "duckdb.processor" or not isinstance(query, str) or len(step.inputs) < 2:
            continue
        unused = [entry.from_step for entry in step.inputs if not _names(query, entry.name, entry.from_step)]
        if unused and layout.is_safe_name(step.id) and not _takes_any(query):
            yield _finding(step, [name for name in unused if name])


def _names(query: str, name: str, origin: str | None) -> bool:
    names = {name, input_name(origin), origin} if origin else {name}
    return any(
        re.search(rf"(?<![\w.]){re.escape(text)}(?!\w)", query, re.IGNORECASE) for text in names if text
    )


def _takes_any(query: str) -> bool:
    """Whether the query names a table that stands for any input."""
    return re.search(r"\b(?:input_df|df)\b", query, re.IGNORECASE) is not None


def _finding(step: StepState, unused: list[str]) -> Finding:
    return Finding(
        rule="need-unused",
        severity=Severity.NOTE,
        confidence=Confidence.MEDIUM,
        domain="config",
        message=f"the query never names the frame of {', '.join(map(repr, unused))}, which the step needs",
        evidence=(Evidence(layout.config_path(step.id), 0, '"query"'),),
        step=step.id,
        fix="use the table in the query, or remove the need",
    )

"""A SQL step passed its rows through without running its query.

What it finds:
    A DuckDB step of an old local run that counts rows written and no rows read, and gives exactly the rows it got. A
    step that runs its query counts both.

Why it matters:
    Up to 0.3.1 the original runs a mock in place of DuckDB: the run is a success and its result is the raw data.

How to fix:
    Use a later version; run the pipeline again.

Example:
    `compute-stats` groups by director, gets 14 rows and gives 14.
"""

import re
from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.diagnosis.evidence.citations import step_metrics
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.units import pluralize
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity

NEEDS: Final = ("metrics", "configuration")

_AS_IT_IS = LazyRegex(r"\s*SELECT\s+\*\s+FROM\s+\"?\w+\"?\s*;?\s*", re.IGNORECASE)


def check(run: Run, lineage: Lineage) -> Iterator[Finding]:
    """DuckDB steps that gave what they got."""
    for step in run.steps:
        query = step.config.get("query")
        if run.dialect != "host" or step.driver != "duckdb.processor" or not isinstance(query, str):
            continue
        written = step_metrics(run, step, "rows_written")
        same = step.rows_out is not None and step.rows_out == _given(step, lineage)
        if not written or step_metrics(run, step, "rows_read") or not same or _AS_IT_IS.fullmatch(query):
            continue
        cfg = Evidence(layout.config_path(step.id), 0, "query") if layout.is_safe_name(step.id) else None
        yield Finding(
            rule="query-not-run",
            severity=Severity.WARNING,
            confidence=Confidence.MEDIUM,
            domain="code",
            message=f"the step gave the {pluralize(step.rows_out or 0, 'row')} it got and counted none read; "
            "its query seems not to have been run",
            evidence=(Evidence(written[0].file, written[0].line, "value"), *((cfg,) if cfg else ())),
            step=step.id,
            fix="use a version in which DuckDB runs the query",
        )


def _given(step: StepState, lineage: Lineage) -> int | None:
    if step.rows_in is not None:
        return step.rows_in
    producers = [edge.rows_out for edge in lineage.edges if edge.consumer == step.id]
    return producers[-1] if producers else None

"""A SQL step returned its input without executing its query.

What it finds:
    A DuckDB step of an old local run that counted rows written and no rows read, and produced exactly the
    rows it received. A step that executes its query counts both.

Why it matters:
    Up to 0.3.1 the original runs a mock instead of DuckDB: the run succeeds and its result is the raw data.

How to fix:
    Use a later version and run the pipeline again.

Example:
    `compute-stats` groups by director, receives 14 rows and returns 14.
"""

import re

from osiris_inspect.inspector.diagnosis.evidence.citations import config_evidence, step_metrics
from osiris_inspect.inspector.diagnosis.evidence.configuration.step_configs import duckdb_queries
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.units import pluralize
from osiris_inspect.model.finding import Confidence, Evidence, Severity

NEEDS = ("metrics", "configuration")
TEMPLATE = FindingTemplate(
    Severity.WARNING, "code", "use a version that executes the query in DuckDB", Confidence.MEDIUM
)
_SELECT_ALL = LazyRegex(r"\s*SELECT\s+\*\s+FROM\s+\"?\w+\"?\s*(?:;\s*)?", re.IGNORECASE)


def check(run: Run, lineage: Lineage) -> Findings:
    """Find DuckDB steps whose output has as many rows as their input and that counted no rows read."""
    for step, query in duckdb_queries(run):
        written = step_metrics(run, step, "rows_written")
        if run.dialect != "host" or not written or step_metrics(run, step, "rows_read"):
            continue
        inputs = [edge.rows_out for edge in lineage.edges_to(step.id)]
        rows_in = step.rows_in if step.rows_in is not None or not inputs else inputs[-1]
        if step.rows_out is None or step.rows_out != rows_in or _SELECT_ALL.fullmatch(query):
            continue
        yield TEMPLATE.finding(
            f"produced the {pluralize(step.rows_out, 'row')} it received and counted 0 rows read; "
            "its query was probably not executed",
            Evidence(written[0].file, written[0].line, "value"),
            config_evidence(step.id, "query"),
            step=step.id,
        )

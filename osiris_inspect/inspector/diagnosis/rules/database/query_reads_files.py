"""A query reads a file by an absolute path or a URL.

What it finds:
    A DuckDB query that opens an absolute path, a path in a home directory, or a URL.

Why it matters:
    The step depends on a file that the pipeline does not name and that a sandbox does not have. A query from
    an untrusted source can read every file that the worker can read.

How to fix:
    Read the file with an extractor, and use its output in the query.

Example:
    `SELECT * FROM read_csv('/etc/passwd')`
"""

import re

from osiris_inspect.inspector.diagnosis.evidence.citations import config_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.step_configs import duckdb_queries
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.sanitize import excerpt_of
from osiris_inspect.model.finding import Severity

NEEDS = ("configuration", "steps")
TEMPLATE = FindingTemplate(
    Severity.NOTE, "config", "read the file with an extractor and use its output in the query"
)
_READS = LazyRegex(
    r"\b(?:read_\w{1,30}|parquet_scan|glob|COPY\b[^;']{0,200}|FROM|ATTACH)\s{0,40}\(?\s{0,40}\[?\s{0,40}"
    r"'(?P<path>(?:/|~|[a-zA-Z]:\\|https?://|s3://|file:)[^'\n]{0,300})'",
    re.IGNORECASE,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find queries that contain an absolute path or a URL."""
    for step, query in duckdb_queries(run):
        match = _READS.search(query)
        if match is not None:
            message = f"the query read {excerpt_of(match, 120, 'path')!r}"
            yield TEMPLATE.finding(message, config_evidence(step.id, "query"), step=step.id)

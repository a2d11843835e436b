"""A query reads a file of the machine it runs on by its full path.

What it finds:
    A DuckDB query that opens an absolute path, a folder of somebody's home or an address of the network.

Why it matters:
    The step depends on a file that the pipeline does not name and that a sandbox does not have; and a query from outside
    can read what the worker can read.

How to fix:
    Read the file with an extractor, and hand its frame to the query.

Example:
    `SELECT * FROM read_csv('/etc/passwd')`
"""

import re
from collections.abc import Iterator

from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.sanitize import excerpt_of
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity

NEEDS = ("configuration", "steps")

_READS = LazyRegex(
    r"\b(?:read_\w{1,30}|parquet_scan|glob|COPY\b[^;']{0,200}|FROM|ATTACH)\s*\(?\s*\[?\s*"
    r"'(?P<path>(?:/|~|[a-zA-Z]:\\|https?://|s3://|file:)[^'\n]{0,300})'",
    re.IGNORECASE,
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Queries that name such a place."""
    for step in run.steps:
        query = step.config.get("query")
        match = _READS.search(query) if isinstance(query, str) and step.driver == "duckdb.processor" else None
        if match is None or not layout.is_safe_name(step.id):
            continue
        yield Finding(
            rule="query-reads-files",
            severity=Severity.NOTE,
            confidence=Confidence.HIGH,
            domain="config",
            message=f"the query itself reads {excerpt_of(match, 120, 'path')!r}",
            evidence=(Evidence(layout.config_path(step.id), 0, '"query"'),),
            step=step.id,
            fix="read the file with an extractor and hand its frame to the query",
        )

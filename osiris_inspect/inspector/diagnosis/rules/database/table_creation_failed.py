"""A target table could not be created.

What it finds:
    A writer that was to create its table and could not.

Why it matters:
    Nothing was written.

How to fix:
    Create the table, or configure the SQL channel of the connection.

Example:
    `Table creation failed: psycopg2 channel not configured`
"""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Finding

NEEDS: Final = ("failures",)
RANK: Final = 40

SIGNATURE: Final = ErrorPattern(
    rule="table-creation-failed",
    pattern=LazyRegex(r"Table creation failed: (?P<what>[^\n]{1,160})"),
    message="the target table is missing and could not be created: {what}",
    fix="create the table by hand, or give the connection a SQL channel (pg_dsn or sql_url)",
    domain="config",
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so."""
    return SIGNATURE.find_all(run)

"""A query is no valid SQL.

What it finds:
    An error of the SQL parser of a database.

Why it matters:
    The query can never run; nothing was read or written.

How to fix:
    Run the query by hand in the database of the step, and correct it.

Example:
    `(1064, "You have an error in your SQL syntax; ...")`
"""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Finding

NEEDS: Final = ("failures",)
RANK: Final = 45

SIGNATURE: Final = ErrorPattern(
    rule="sql-syntax",
    pattern=LazyRegex(
        r"You have an error in your SQL syntax[^\n]{0,160}"
        r"|Parser Error: [^\n]{1,160}"
        r"|syntax error at or near [^\n]{1,80}",
        error_class="syntax",
    ),
    message="the query is no valid SQL",
    fix="correct the query near the place the message names",
    domain="config",
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so."""
    return SIGNATURE.find_all(run)

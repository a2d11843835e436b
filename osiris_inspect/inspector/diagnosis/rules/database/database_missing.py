"""The database of a connection does not exist.

What it finds:
    An error in which a server does not know the database that was asked for.

Why it matters:
    The server answers and the credentials are right, so only the name is wrong, or the wrong server was asked.

How to fix:
    Correct the name of the database in the connection, or create it.

Example:
    `(1049, "Unknown database 'movies'")`
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

SIGNATURES: Final = (
    ErrorPattern(
        rule="database-missing",
        pattern=LazyRegex(
            r"Unknown database '(?P<d1>[^'\n]{1,120})'|database \"(?P<d2>[^\"\n]{1,120})\" does not exist",
            error_class="no database",
        ),
        message="database {database} does not exist",
        fix="correct the name of the database in the connection, or create it",
        domain="config",
        name_group="database",
        search_text_logs=True,
    ),
    ErrorPattern(
        rule="database-missing",
        pattern=LazyRegex(
            r"schema \"(?P<s1>[^\"\n]{1,120})\" does not exist"
            r"|The schema must be one of the following: [^\n]{1,120}",
            error_class="no schema",
        ),
        message="the schema is not there, or not open to this connection",
        fix="correct the name of the schema, create it, or add it to those the service shows",
        domain="config",
    ),
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so."""
    for signature in SIGNATURES:
        yield from signature.find_all(run)

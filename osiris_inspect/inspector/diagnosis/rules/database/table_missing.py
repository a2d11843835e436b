"""A query names a table that is not there.

What it finds:
    An error in which a database does not know a table. For a Supabase target the original says so also
    when it could not reach the service or its key was refused.

Why it matters:
    The query cannot run; often the name is misspelt or the database is another one.

How to fix:
    Correct the query or the target; for Supabase look first whether the text log has an answer with
    status 401 or 5xx.

Example:
    `(1146, "Table 'movies_db.moviez' doesn't exist")`
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
    rule="table-missing",
    pattern=LazyRegex(
        r"Table '(?P<t1>[^'\n]{1,120})' (?:doesn't|does not) exist"
        r"|relation \"(?P<t2>[^\"\n]{1,120})\" does not exist"
        r"|Catalog Error: Table with name (?!\"?(?:input_df|df|df_\w+)\"? does)(?P<t3>[^\n]{1,120}?) does not exist"
        r"|Table (?P<t4>\S{1,120}) does not exist and create_if_missing is false"
        r"|Could not find the table '(?P<t5>[^'\n]{1,120})'"
        r"|no such table: (?P<t6>[\w.]{1,120})",
        error_class="no table",
    ),
    message="table {table} does not exist",
    fix="correct the name of the table, or create it",
    domain="config",
    name_group="table",
    suggestion_pattern=LazyRegex(
        r"(?:Candidate (?:bindings|tables)|Did you mean)[: ]+(?P<hint>[^\s:?][^\n?]{0,159})"
    ),
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so."""
    return SIGNATURE.find_all(run)

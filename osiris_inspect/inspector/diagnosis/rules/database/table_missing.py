"""A query names a table that does not exist.

What it finds:
    An error in which a database does not know a table. For a Supabase target, the original reports this also
    if the service was unreachable or rejected the key.

Why it matters:
    The query cannot run; the name is often misspelt or the database is the wrong one.

How to fix:
    Correct the query or the target; for Supabase, check the text log first for a response with status 401 or
    5xx.

Example:
    `(1146, "Table 'movies_db.moviez' doesn't exist")`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Table '(?P<t1>[^'\n]{1,120})' (?:doesn't|does not) exist"
            r"|relation \"(?P<t2>[^\"\n]{1,120})\" does not exist"
            r"|Catalog Error: Table with name (?!\"?(?:input_df|df|df_\w+)\"? does)(?P<t3>[^\n]{1,120}?) does not exist"
            r"|Table (?P<t4>\S{1,120}) does not exist and create_if_missing is false"
            r"|Could not find the table '(?P<t5>[^'\n]{1,120})'"
            r"|no such table: (?P<t6>[\w.]{1,120})"
        ),
        message="table {name} was not found",
        fix="correct the table name or create the table",
        domain="config",
        error_class="no table",
    ),
)

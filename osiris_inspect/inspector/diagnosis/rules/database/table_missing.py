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

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

RANK = 45
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
        message="table {name} does not exist",
        fix="correct the name of the table, or create it",
        domain="config",
        error_class="no table",
    ),
)

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

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

RANK = 40
PATTERNS = (
    ErrorPattern(
        pattern=r"Table creation failed: (?P<what>[^\n]{1,160})",
        message="the target table is missing and could not be created: {what}",
        fix="create the table by hand, or give the connection a SQL channel (pg_dsn or sql_url)",
        domain="config",
    ),
)

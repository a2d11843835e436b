"""A target table could not be created.

What it finds:
    A writer that failed to create its table.

Why it matters:
    Nothing was written.

How to fix:
    Create the table, or configure the SQL channel of the connection.

Example:
    `Table creation failed: psycopg2 channel not configured`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

IS_GENERAL = True
PATTERNS = (
    ErrorPattern(
        pattern=r"Table creation failed: (?P<what>[^\n]{1,160})",
        message="the target table was missing and could not be created: {what}",
        fix="create the table manually or configure a SQL channel for the connection (pg_dsn or sql_url)",
        domain="config",
    ),
)

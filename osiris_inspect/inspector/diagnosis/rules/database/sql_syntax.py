"""A query is not valid SQL.

What it finds:
    An error of the SQL parser of a database.

Why it matters:
    The query can never run; nothing was read or written.

How to fix:
    Run the query manually in the database of the step and correct it.

Example:
    `(1064, "You have an error in your SQL syntax; ...")`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

REFINES = ("query-failed",)
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"You have an error in your SQL syntax[^\n]{0,160}"
            r"|Parser Error: [^\n]{1,160}"
            r"|syntax error at or near [^\n]{1,80}"
        ),
        message="the query was not valid SQL",
        fix="correct the query at the position that the message names",
        domain="config",
        error_class="syntax",
    ),
)

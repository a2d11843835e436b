"""A percent sign in a query was taken for a placeholder.

What it finds:
    An error of text formatting inside a query.

Why it matters:
    Drivers that format the query treat `%` as the start of a parameter, so `LIKE` patterns break.

How to fix:
    Double the percent sign, or use a driver that does not format queries.

Example:
    `%i format: a real number is required, not dict`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

RANK = 43
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"%?\w? ?format: a real number is required[^\n]{0,60}"
            r"|unsupported format character[^\n]{0,60}"
            r"|not enough arguments for format string"
        ),
        message="a % in the query was taken for a placeholder by the database driver",
        fix="write %% where the query means one percent sign",
        domain="code",
    ),
)

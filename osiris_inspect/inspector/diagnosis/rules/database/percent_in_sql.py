"""A percent sign in a query was interpreted as a placeholder.

What it finds:
    A string-formatting error inside a query.

Why it matters:
    Drivers that format the query treat `%` as the start of a parameter, so `LIKE` patterns break.

How to fix:
    Double the percent sign, or use a driver that does not format queries.

Example:
    `%i format: a real number is required, not dict`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

REFINES = ("query-failed",)
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"%?\w? ?format: a real number is required[^\n]{0,60}"
            r"|unsupported format character[^\n]{0,60}"
            r"|not enough arguments for format string"
        ),
        message="the database driver interpreted a % in the query as a placeholder",
        fix="write %% for a percent sign in the query",
        domain="code",
    ),
)

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
            r"|not enough arguments for format string|not all arguments converted during string formatting"
            r"|only '%s', '%b', '%t' are allowed as placeholders[^\n]{0,20}"
        ),
        message="the database driver interpreted a % in the query as a placeholder",
        fix="write %% for a percent sign in the query",
        domain="code",
    ),
    ErrorPattern(
        pattern=(
            r"the query has \d{1,6} placeholders but \d{1,6} parameters were passed"
            r"|bind message supplies \d{1,6} parameters, but prepared statement [^\n]{1,80} requires \d{1,6}"
            r"|Incorrect number of bindings supplied[^\n]{0,100}"
        ),
        message="the query had another number of placeholders than parameters",
        fix="pass one parameter for each placeholder; write %% for a percent sign in the query",
        domain="code",
    ),
)

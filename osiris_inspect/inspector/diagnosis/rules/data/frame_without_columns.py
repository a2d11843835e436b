"""A step received a DataFrame without columns.

What it finds:
    An error in which a DataFrame without columns cannot be used.

Why it matters:
    An empty file became an empty DataFrame upstream, and the failure appears only here.

How to fix:
    Check the source: the file has 0 bytes or only blank lines.

Example:
    `Need a DataFrame with at least one column`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Need a DataFrame with at least one column"
            r"|No columns to parse from file"
            r"|EmptyDataError[^\n]{0,60}"
            r"|\S{1,300} is empty; there is not even a header"
        ),
        message="the input had no columns: {error_line}",
        fix="check that the source file is not empty",
        domain="data",
    ),
)

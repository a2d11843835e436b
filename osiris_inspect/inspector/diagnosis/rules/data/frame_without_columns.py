"""A step was given a frame without any column.

What it finds:
    An error in which a frame without columns cannot be used.

Why it matters:
    An empty file became an empty frame upstream, and fails only here.

How to fix:
    Look at the source: the file has 0 bytes, or only blank lines.

Example:
    `Need a DataFrame with at least one column`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

RANK = 47
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Need a DataFrame with at least one column"
            r"|No columns to parse from file"
            r"|EmptyDataError[^\n]{0,60}"
            r"|\S{1,300} is empty; there is not even a header"
        ),
        message="the input has no column at all: {error_line}",
        fix="check that the source file is not empty",
        domain="data",
    ),
)

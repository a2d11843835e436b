"""A target rejected a value because of its type or length.

What it finds:
    An error in which a database cannot store a value in a column.

Why it matters:
    Source and target disagree on the type of the column. Earlier batches may have been written.

How to fix:
    Convert the value in the pipeline, or widen the column.

Example:
    `(1406, "Data too long for column 'name' at row 1")`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Data too long for column '[^'\n]{1,80}'[^\n]{0,60}"
            r"|value too long for type [^\n]{1,60}"
            r"|Incorrect \w{1,20} value: [^\n]{1,120}"
            r"|(?i:numeric field overflow)"
            r"|(?i:out of range (?:value|for type))[^\n]{0,80}"
            r"|invalid input syntax for (?:type )?[^\n]{1,120}"
            r"|Data truncated for column '[^'\n]{1,80}'[^\n]{0,60}"
        ),
        message="the target rejected a value",
        fix="convert the value in the pipeline or widen the column",
        domain="data",
        error_class="value",
    ),
)

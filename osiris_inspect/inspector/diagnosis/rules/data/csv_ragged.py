"""A CSV file has rows with different numbers of fields.

What it finds:
    An error in which a CSV reader rejects a row.

Why it matters:
    The delimiter is wrong or the file is damaged.

How to fix:
    Check the line that the message names; correct the delimiter, the quoting or the file.

Example:
    `Expected 4 fields in line 17, saw 5`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Error tokenizing data\. C error: (?!out of memory|Calling read)(?P<what>[^\n]{1,120})"
            r"|CSV parsing failed(?!: (?:No columns to parse|'?[\w-]{1,30}'? codec))[^\n]{0,160}"
            r"|CSV Error on Line:? ?\d+[^\n]{0,80}"
            r"|Expected \d+ (?:fields|columns)[^\n]{0,60}(?:saw|found|got) \d+"
        ),
        message="a row of the CSV file had a different number of fields",
        fix="check the delimiter, the quoting and the row that the message names",
        domain="data",
    ),
)

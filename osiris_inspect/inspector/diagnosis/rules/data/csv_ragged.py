"""A CSV file has rows of different width.

What it finds:
    An error in which a CSV reader found a row that does not fit.

Why it matters:
    Either the delimiter is wrong or the file is damaged.

How to fix:
    Look at the line the message names; correct delimiter, quoting or the file.

Example:
    `Expected 4 fields in line 17, saw 5`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

RANK = 46
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Error tokenizing data\. C error: (?!out of memory|Calling read)(?P<what>[^\n]{1,120})"
            r"|CSV parsing failed(?!: (?:No columns to parse|'?[\w-]{1,30}'? codec))[^\n]{0,160}"
            r"|CSV Error on Line:? ?\d+[^\n]{0,80}"
            r"|Expected \d+ (?:fields|columns)[^\n]{0,60}(?:saw|found|got) \d+"
        ),
        message="a row of the CSV file has another number of fields",
        fix="check the delimiter and the quoting, or the row the message names",
        domain="data",
    ),
)

"""A step could not convert a value.

What it finds:
    An error of Python, pandas or pyarrow about text that is not a number or a time, or about a missing value
    that the type does not allow.

Why it matters:
    A single value fails the step. It came from the source: text in a numeric column, another date format, a
    missing value.

How to fix:
    Find the value that the message names. Convert with `errors="coerce"`, or use a nullable type.

Example:
    `could not convert string to float: '1,234.5'`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

PATTERNS = (
    ErrorPattern(
        pattern=(
            r"could not convert string to (?:float|int\w{0,10}|complex)[^\n]{0,160}"
            r"|invalid literal for int\(\) with base \d{1,2}: [^\n]{1,120}"
            r"|[Cc]ould not convert [^\n]{1,120} with type \w{1,40}[^\n]{0,120}"
            r"|Conversion failed for column [^\n]{1,120}"
            r"|Unable to parse string [^\n]{1,120}"
            r"|time data [^\n]{1,120} (?:does not|doesn't) match format[^\n]{0,100}"
            r"|Cannot convert non-finite values[^\n]{0,80}|\bIntCastingNaNError\b"
            r"|cannot convert float (?:NaN|infinity) to integer"
            r"|OutOfBoundsDatetime|Out of bounds nanosecond timestamp[^\n]{0,80}"
            r"|\[<class 'decimal\.ConversionSyntax'>\]"
            r"|\bDateParseError\b[^\n]{0,120}|not likely a datetime|Unknown datetime string format[^\n]{0,100}"
        ),
        message="a value could not be converted",
        fix="correct the value at its source or convert the column with errors='coerce'",
        domain="data",
    ),
)

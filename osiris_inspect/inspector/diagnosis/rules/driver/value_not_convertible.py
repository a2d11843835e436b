"""A step could not convert a value.

What it finds:
    An error of Python, pandas or pyarrow in which a text is no number or no time, or a gap has no place in a type.

Why it matters:
    One such value ends the step. It came from the source: a note in a column of numbers, another form of dates, a gap.

How to fix:
    Look for the value the message names. Convert with `errors="coerce"`, or use a type that takes gaps.

Example:
    `could not convert string to float: '1,234.5'`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

RANK = 47
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
        fix="correct the value at its source, or convert it with a rule for what is no number, no time or empty",
        domain="data",
    ),
)

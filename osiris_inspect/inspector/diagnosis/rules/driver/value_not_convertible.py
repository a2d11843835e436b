"""A step could not convert a value.

What it finds:
    An error of Python, pandas or pyarrow about text that is not a number or a time, or about a missing value
    that the type does not allow.

Why it matters:
    A single value fails the step. It came from the source: text in a numeric column, another date format, a
    missing value.

How to fix:
    Find the value that the message names, and correct it at its source or in the query. `errors="coerce"` empties
    every value that cannot be converted, without an error: count them if you use it. Missing values need a nullable
    type such as `Int64`.

Example:
    `could not convert string to float: '1,234.5'`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.model.finding import Confidence

EXPLAINS = ("driver-raised",)
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Cannot convert non-finite values[^\n]{0,80}|\bIntCastingNaNError\b"
            r"|(?i:cannot convert float) (?:NaN|infinity) to integer"
            r"|Integer column has NA values[^\n]{0,60}|cannot convert NA to integer"
            r"|cannot convert NaT to (?:integer|int)|Cannot convert NaT values to integer"
        ),
        message="a column of integers contained missing or infinite values",
        fix="use the nullable type Int64, or decide in the query or the driver what replaces missing values",
        domain="data",
    ),
    ErrorPattern(
        pattern=(
            r"Casting from (?:timestamp|time64|duration|date64)\[?[^\n]{0,60}? to (?:timestamp|time32|time64|duration|date32)\[?[^\n]{0,60}? would lose data[^\n]{0,80}"
            r"|Cannot losslessly convert units|Cannot convert from \S{1,30} to \S{1,30} without (?:loss of|rounding)[^\n]{0,60}"
        ),
        message="the times are finer than the unit of the type",
        fix="round the column to the unit first, such as df[column].dt.floor('us'), or use a type with the finer unit",
        domain="data",
    ),
    ErrorPattern(
        pattern=(
            r"\bOutOfBoundsDatetime\b[^\n]{0,80}"
            r"|(?i:out of bounds) (?:nanosecond|microsecond|millisecond|second) timestamp[^\n]{0,80}"
            r"|Casting from timestamp\[\w{1,3}(?:, [^\]\n]{1,40})?\] to timestamp\[\w{1,3}(?:, [^\]\n]{1,40})?\] would "
            r"result in out of bounds[^\n]{0,80}"
            r"|year -?\d{1,9} is out of range"
        ),
        message="a date or time is outside of the range of the type",
        fix="correct the date at its source, or use a type with a larger range, such as microseconds",
        domain="data",
    ),
    ErrorPattern(
        pattern=(
            r"Float value -?\d{1,40}\.\d{1,40} was truncated converting to u?int\d{1,2}"
            r"|[Cc]annot safely cast non-equivalent float\d{2} to u?int\d{1,2}|Trying to coerce float values to integers"
            r"|Rescaling \w{1,20} value would cause data loss"
        ),
        message="a number has more decimals than the type keeps; a type of integers keeps none",
        fix="use a type with decimals, such as double or decimal, or round the values before they are converted",
        domain="data",
    ),
    ErrorPattern(
        pattern=(
            r"Python int too large to convert to [^\n]{1,60}|\bint too big to convert\b"
            r"|Integer value -?\d{1,40} (?:not in range|is outside of the range)[^\n]{0,80}"
            r"|Value -?\d{1,40} too large to fit in C integer type"
            r"|Float value (?!-?\d{1,40}\.\d{1,40} )\S{1,60} was truncated converting to \w{1,20}"
            r"|[Cc]annot safely cast non-equivalent (?!float\d)[^\n]{1,60}|\[<class 'decimal\.InvalidOperation'>\]"
        ),
        message="a number does not fit into the type",
        fix="use a larger type, or correct the value at its source",
        domain="data",
    ),
    ErrorPattern(
        pattern=(
            r"could not convert string to (?:float|int\w{0,10}|complex)[^\n]{0,160}"
            r"|invalid literal for int\(\) with base \d{1,2}: [^\n]{1,120}"
            r"|[Cc]ould not convert [^\n]{1,120} with type \w{1,40}[^\n]{0,120}"
            r"|Conversion failed for column [^\n]{1,120}"
            r"|Invalid value [^\n]{1,160} for dtype [^\n]{1,40}"
            r"|Unable to parse string [^\n]{1,120}"
            r"|CSV conversion error to [^\n]{1,120}"
            r"|Failed to parse string: [^\n]{1,120}"
            r"|time data [^\n]{1,120} (?:does not|doesn't) match format[^\n]{0,100}"
            r"|unconverted data remains[^\n]{0,80}"
            r"|Invalid isoformat string: [^\n]{1,80}"
            r"|Error parsing datetime string [^\n]{1,100}"
            r"|\b(?:day is out of range for month|month must be in 1\.\.12|hour must be in 0\.\.23|minute must be in 0\.\.59)"
            r"|\[<class 'decimal\.ConversionSyntax'>\]"
            r"|\bDateParseError\b[^\n]{0,120}|not likely a datetime|Unknown datetime string format[^\n]{0,100}"
            r"|badly formed hexadecimal UUID string"
        ),
        message="a value could not be converted",
        fix="correct the value at its source or in the query, or convert the column by a rule that covers such values",
        domain="data",
    ),
    ErrorPattern(
        pattern=(
            r"Can only use \.(?:str|dt|cat|list|struct) accessor[^\n]{0,60}|agg function failed \[how->\w{1,20},dtype->[^\]\n]{1,40}\]"
            r"|[Cc]ould not convert [^\n]{1,160} to numeric|Cannot cast \w{1,40} to dtype \w{1,40}"
            r"|Cannot perform reduction '\w{1,30}' with string dtype|dtype '(?:str|object|string)' does not support (?:operation|reduction)"
            r"[^\n]{0,60}"
        ),
        message="a column has a type that the operation does not support",
        fix="check the type of the column where it is read: single text values or missing values make numbers or times a "
        "column of text; correct them, or convert the column",
        domain="data",
        confidence=Confidence.MEDIUM,
    ),
)

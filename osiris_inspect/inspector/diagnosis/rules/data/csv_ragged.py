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

import re

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence

_ONE_FIELD = LazyRegex(r"Expected 1 fields in line (?P<line>\d{1,6}), saw (?:[3-9]|\d{2,6})\b")


def _fix_fields(_run: Run, text: ErrorText, _match: re.Match[str]) -> str:
    """Return the remedy for a row of another width; lines of one field before it may be a title."""
    title = _ONE_FIELD.search(text.text)
    other = "check the delimiter, the quoting and the row that the message names"
    if title is None:
        return other
    lines = int(title["line"]) - 1
    return f"leave out the first {lines} lines (skip_rows or skiprows: {lines}) if they are a title above the header; otherwise {other}"


PATTERNS = (
    ErrorPattern(
        pattern=(
            r"EOF inside string(?: starting at row \d{1,12})?"
            r"|(?i:unterminated quote|unclosed quote|quote is not closed|value with unterminated quote)[^\n]{0,80}"
        ),
        message="a quotation mark was opened and not closed",
        fix="look at the file near that row; set the quote and escape characters of the step to those of the file",
        domain="data",
    ),
    ErrorPattern(
        pattern=r"field larger than field limit \(\d{1,12}\)",
        message="a field is longer than the limit: a quotation mark is not closed, or the text is that long",
        fix="look for a single quotation mark in the file; otherwise raise the limit with csv.field_size_limit",
        domain="data",
        confidence=Confidence.MEDIUM,
    ),
    ErrorPattern(
        pattern=r"new-line character seen in unquoted field[^\n]{0,80}|Buffer overflow caught[^\n]{0,80}",
        message="the file has line ends that the reader does not expect, or a quotation mark that is not closed",
        fix="convert the line ends of the file to LF or CRLF, and look for a single quotation mark",
        domain="data",
        confidence=Confidence.MEDIUM,
    ),
    ErrorPattern(
        pattern=(
            r"Error tokenizing data\. C error: (?!out of memory|Calling read|EOF inside string|Buffer overflow)(?P<what>[^\n]{1,120})"
            r"|Expected Number of Columns: \d{1,6} Found: \d{1,6}|(?i:expected \d{1,6} values per row, but got)[^\n]{0,60}"
            r"|Too many columns specified: expected \d{1,6} and found \d{1,6}"
            r"|(?i:\b(?:too many|too few|more|fewer) (?:columns|fields|values) (?:in (?:row|line|record)|than (?:the header|expected)))[^\n]{0,60}"
            r"|Expected \d+ (?:fields|columns)[^\n]{0,60}(?:saw|found|got) \d+"
        ),
        message="a row of the CSV file had a different number of fields",
        fix=_fix_fields,
        domain="data",
    ),
    ErrorPattern(
        pattern=(
            r"CSV parsing failed(?!: (?:No columns to parse|'?[\w-]{1,30}'? codec))[^\n]{0,160}"
            r"|CSV Error on Line:? ?\d+(?![\s\S]{0,600}?Error when converting column)[^\n]{0,80}"
        ),
        message="the CSV file could not be parsed",
        fix="check the row that the message names, then the delimiter, the quoting and the column types of the step",
        domain="data",
        confidence=Confidence.MEDIUM,
    ),
)

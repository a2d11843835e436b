"""A configuration contains an invalid value.

What it finds:
    An error in which a driver rejects the value of a known key.

Why it matters:
    The step cannot start, regardless of the data.

How to fix:
    Use one of the values that the message lists.

Example:
    `Invalid ddl_channel 'rest'. Expected auto, http_sql, or psycopg2`
"""

import re
from dataclasses import replace

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence

REFINES = ("query-failed", "connection-failed", "value-refused")


def _setting_fix(_run: Run, text: ErrorText, _match: re.Match[str]) -> str:
    if "character set" in text.text.lower() or "collation" in text.text.lower():
        return "use a setting and a value that it supports, such as utf8mb4 as character set of MySQL"
    return "use a setting and a value that it supports"


def _is_not_of_pymysql(_run: Run, text: ErrorText, _match: re.Match[str]) -> bool:
    """Return True unless PyMySQL looked up a character set."""
    return "pymysql" not in text.traceback


def _is_not_of_mysql(run: Run, text: ErrorText, match: re.Match[str]) -> bool:
    step = run.step(text.step or "")
    is_of_mysql = step is not None and "mysql" in (step.driver or "")
    return not is_of_mysql or not _is_not_of_pymysql(run, text, match)


_CHARACTER_SET = ErrorPattern(
    pattern=r"'NoneType' object has no attribute 'encoding'",
    message="MySQL does not know the character set of the connection",
    fix="set charset to utf8mb4 in the connection; utf-8 is not a name of MySQL",
    domain="config",
    unless=_is_not_of_pymysql,
)
PATTERNS = (
    _CHARACTER_SET,
    replace(_CHARACTER_SET, confidence=Confidence.MEDIUM, unless=_is_not_of_mysql),
    ErrorPattern(
        pattern=(
            r"(?:\"delimiter\"|\"quotechar\"|\"escapechar\") must be a[^\n]{0,80}"
            r"|'mode': [^\n]{1,60} is not one of [^\n]{1,80}"
        ),
        message="the configuration contained an invalid value",
        fix="use a value that the message allows",
        domain="config",
    ),
    ErrorPattern(
        pattern=r"\b\w{1,60} must be (?:one of|between|a list|an? (?:whole )?number|\d+-\d+|[<>]=?)[^\n]{0,100}",
        message="the driver does not allow this value",
        fix="use a value that the message allows, in the config of the step if it is a setting, otherwise in the data",
        domain="config",
        confidence=Confidence.MEDIUM,
    ),
    ErrorPattern(
        pattern=(
            r"[Uu]nknown (?P<s1>character set|collation|system variable):? '[^'\n]{1,60}'"
            r"|invalid value for parameter \\?\"(?!TimeZone)(?P<s2>[^\"\n\\]{1,60})\\?\"[^\n]{0,80}"
            r"|unrecognized configuration parameter \"(?P<s4>[^\"\n]{1,60})\""
            r"|Catalog Error: [^\n]{0,30}configuration parameter[^\n]{0,100}"
        ),
        message="the server or library does not know this setting or value",
        fix=_setting_fix,
        domain="config",
        error_class="setting",
    ),
    ErrorPattern(
        pattern=(
            r"Worksheet (?:named '[^'\n]{1,80}'|index \d{1,4}) (?:not found|is invalid)[^\n]{0,60}"
            r"|Missing column provided to '(?P<option>parse_dates|usecols|dtype|index_col)'[^\n]{0,120}"
            r"|\bIndex [\w.\-]{1,80} invalid\b"
            r"|Number of passed names did not match number of header fields[^\n]{0,80}"
            r"|Passed header=[^\n]{1,80} but only \d{1,9} lines? in file"
            r"|Defining usecols with out-of-bounds indices[^\n]{0,80}"
        ),
        message="an option for reading the file names a column, a line or a sheet that the file does not have",
        fix="compare the option in the config of the step with the header of the file",
        domain="config",
    ),
    ErrorPattern(
        pattern=(
            r"(?:Invalid|Unsupported|Unknown) (?:value\b(?![^\n]{0,200} for dtype)|option|mode|region|channel|\w{1,30}_\w{1,30}|write mode|delimiter)\b"
            r"[^\n]{0,120}"
            r"|invalid value for (?!parameter\b)['\"]?[\w.]{1,60}[^\n]{0,80}"
            r"|\d{1,4} validation errors? for \w{0,60}(?:Config|Settings|Options|Params)\b[^\n]{0,60}"
            r"|is not of type '(?:string|integer|number|boolean|array|object)'"
            r"|is (?:greater than the maximum|less than the minimum) of [^\n]{1,40}"
        ),
        message="the configuration contained an invalid value, or a value was missing in it",
        fix="use a value that the message allows",
        domain="config",
        confidence=Confidence.MEDIUM,
    ),
    ErrorPattern(
        pattern=(
            r"Could not determine delimiter|Error sniffing (?:file|CSV)[^\n]{0,80}"
            r"|Only length-1 (?:decimal markers|thousands|quotechar)[^\n]{0,60}"
            r"|(?i:bad delimiter(?: value)?)[^\n]{0,60}"
        ),
        message="an option for reading the file does not fit the file",
        fix="set the delimiter and the quote character of the step to those of the file",
        domain="config",
    ),
)

"""A step produced a value that JSON or a pickle cannot represent.

What it finds:
    An error while a metric, a result or a row was written.

Why it matters:
    A step that completed its work fails because of the type of one value.

How to fix:
    Call `int()` or `float()` on numpy values before logging them. In rows for a service, write NULL for NaN
    and strings for times.

Example:
    `Object of type int64 is not JSON serializable`
"""

from dataclasses import replace

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import matching_errors
from osiris_inspect.inspector.diagnosis.rule import Findings
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence

SEARCHES = ("errors",)
_PATTERN = ErrorPattern(
    pattern=(
        r"Object of type (?P<type>\w{1,60}) is not JSON serializable"
        r"|Type is not JSON serializable: (?P<type2>[\w.]{1,60})"
        r"|(?:Out of range float values|NaN) (?:are|is) not JSON compliant"
    ),
    message="JSON cannot represent a value that the driver logged or sent",
    fix="convert the value to a plain number or string first, for example with int(), float() or isoformat()",
    domain="code",
)
PATTERNS = (
    ErrorPattern(
        pattern=r"keys must be str, int, float, bool or None, not \w{1,60}|Dict key must (?:be )?(?:a )?str\w{0,10}",
        message="a dictionary has a key that JSON does not allow",
        fix="convert the keys to strings first; orjson also accepts the option OPT_NON_STR_KEYS",
        domain="code",
    ),
    ErrorPattern(
        pattern=r"Circular reference detected",
        message="a value contains itself, which JSON cannot represent",
        fix="log or send only the fields that are needed",
        domain="code",
    ),
    ErrorPattern(
        pattern=r"str is not valid UTF-8: surrogates not allowed",
        message="a text contains half of a character pair, which JSON in UTF-8 cannot represent",
        fix="read the text with its right encoding, or replace such characters before it is logged or sent",
        domain="data",
    ),
    ErrorPattern(
        pattern=r"[Cc]an(?:not|'t) pickle (?P<type>[^\n]{1,100})",
        message="a value cannot be passed to another process",
        fix="return only DataFrames and plain values from the driver, and create connections, locks and generators in it",
        domain="code",
        confidence=Confidence.MEDIUM,
    ),
)
_IN_ROW = replace(
    _PATTERN,
    message="a row contained a value that JSON cannot represent",
    fix="convert NaN and infinity to NULL, and times to strings, before the rows are sent",
    domain="data",
)
_ROW_ERROR = LazyRegex(r"(?i:\bwrite failed)[^\n]{0,200}not JSON|not JSON compliant")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Distinguish the rows that a writer sends to a service from values that a driver logs."""
    writers = {error.step for error, _ in matching_errors(run, _ROW_ERROR)}
    for logged, row in zip(_PATTERN.find_all(run), _IN_ROW.find_all(run), strict=True):
        yield row if logged.step in writers else logged

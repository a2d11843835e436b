"""A step produced a value that JSON cannot represent.

What it finds:
    An error while a metric or a result was written.

Why it matters:
    A step that completed its work fails because of a log entry.

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

_PATTERN = ErrorPattern(
    pattern=(
        r"Object of type (?P<type>\w{1,60}) is not JSON serializable"
        r"|(?:Out of range float values|NaN) (?:are|is) not JSON compliant"
    ),
    message="the driver logged a value that JSON cannot represent",
    fix="convert the value to a plain number or string before logging it",
    domain="code",
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

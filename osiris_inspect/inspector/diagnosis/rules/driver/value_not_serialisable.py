"""A step handed over a value that has no form in JSON.

What it finds:
    An error while a metric or a result was written.

Why it matters:
    A step that had done its work fails because of what it says about it.

How to fix:
    Call `int()` or `float()` on numpy values before they are logged. Where it is a row for a service, write NULL for NaN
    and text for times.

Example:
    `Object of type int64 is not JSON serializable`
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import matching_errors
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Finding

NEEDS: Final = ("failures",)
RANK: Final = 40

SIGNATURE: Final = ErrorPattern(
    rule="value-not-serialisable",
    pattern=LazyRegex(
        r"Object of type (?P<type>\w{1,60}) is not JSON serializable"
        r"|(?:Out of range float values|NaN) (?:are|is) not JSON compliant"
    ),
    message="a driver logged a value that has no form in JSON",
    fix="convert the value to a plain number or text before it is logged",
    domain="code",
)


_OF_ROWS = LazyRegex(r"(?i:\bwrite failed)[^\n]{0,200}not JSON|not JSON compliant")


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so. What a writer sends to a service are rows, not what it logs."""
    of_rows = {told.step for told, _ in matching_errors(run, _OF_ROWS)}
    for finding in SIGNATURE.find_all(run):
        if finding.step not in of_rows:
            yield finding
            continue
        yield replace(
            finding,
            message=finding.message.replace(
                SIGNATURE.message, "a row holds a value that has no form in JSON"
            ),
            domain="data",
            fix="write NULL for NaN and infinity, and text for times, in the pipeline before the rows are sent",
        )

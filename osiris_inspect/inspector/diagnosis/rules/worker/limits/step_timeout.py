"""A step exceeded its time limit.

What it finds:
    An error that reports a time limit.

Why it matters:
    The step was stopped before its end. In the original, a killed worker looks the same: its host notices it
    only at the time limit.

How to fix:
    Raise the time limit or process less data. Check whether the worker was still alive.

Example:
    `Batch execution timed out after 900 seconds`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.model.finding import Confidence

EXPLAINS = ("run-truncated", "step-never-ended", "connection-failed", "table-creation-failed", "write-failed")
IS_GENERAL = True
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"(?:[Bb]atch execution|[Ss]tep [^\n]{0,100}|[Ww]orker|[Ss]andbox) (?:timed out|exceeded its time)[^\n]{0,80}"
            r"|(?:took|ran) (?:longer|more) than \d[^\n]{0,60}"
            r"|\bE2B_STEP_TIMEOUT\b[^\n]{0,80}"
            r"|likely due to exceeding '(?:request_)?timeout'"
        ),
        message="the time limit was reached",
        fix="raise the time limit or process less data in the step",
        domain="infra",
        confidence=Confidence.MEDIUM,
    ),
)

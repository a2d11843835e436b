"""A step took longer than it was allowed to.

What it finds:
    An error that speaks of a time limit.

Why it matters:
    The step was stopped in the middle. With the original, a worker that was killed looks the same: its host notices
    only when the time is over.

How to fix:
    Give the step more time, or less to do. See whether the worker was still alive.

Example:
    `Batch execution timed out after 900 seconds`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.model.finding import Confidence

RANK = 72
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"(?:[Bb]atch execution|[Ss]tep [^\n]{0,100}|[Ww]orker|[Ss]andbox) (?:timed out|exceeded its time)[^\n]{0,80}"
            r"|(?:took|ran) (?:longer|more) than \d[^\n]{0,60}"
            r"|\bE2B_STEP_TIMEOUT\b[^\n]{0,80}"
            r"|likely due to exceeding '(?:request_)?timeout'"
        ),
        message="the time limit was reached",
        fix="raise the time limit, or give the step less to do",
        domain="infra",
        confidence=Confidence.MEDIUM,
    ),
)

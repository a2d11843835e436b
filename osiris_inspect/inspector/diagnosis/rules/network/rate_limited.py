"""A service rejected requests because of its rate limit.

What it finds:
    A response with status 429, or an error that names a rate limit.

Why it matters:
    An immediate retry makes it worse.

How to fix:
    Send fewer requests, or request a higher limit.

Example:
    `429 Too Many Requests`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.http_status import states_status, status_findings
from osiris_inspect.inspector.diagnosis.rule import Findings
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run

REFINES = ("service-failed", "request-refused", "write-failed")
PATTERNS = (
    ErrorPattern(
        pattern=r"exceeded the 'max_(?!connections|user_connections)[^'\n]{1,40}' resource[^\n]{0,60}",
        message="the account reached its limit of queries per hour",
        fix="run again later, send fewer queries, or raise the limit of the account",
        domain="infra",
    ),
    ErrorPattern(
        pattern=(
            r"(?i:\btoo many requests\b(?! \())"
            r"|(?i:\brate[ -]?limit(?:ed|ing|s)?\b)|\b(?:SlowDown|RequestLimitExceeded|Throttling(?:Exception)?|ThrottledException|TooManyRequestsException)\b[^\n]{0,100}|\bRateLimitException\b"
        ),
        message="the service rejected requests because of its rate limit",
        fix="run again later or send fewer, larger batches",
        domain="infra",
        unless=states_status,
    ),
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find also responses with a status of this kind."""
    yield from status_findings(run, "rate-limited")

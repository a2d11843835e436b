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

import re
from http import HTTPStatus

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText
from osiris_inspect.inspector.diagnosis.evidence.http_status import (
    HTTP_STATUS,
    stated_status,
    status_findings,
)
from osiris_inspect.inspector.diagnosis.rule import Findings
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run

SEARCHES = ("errors",)
REFINES = (
    "service-failed", "request-refused", "write-failed", "permission-denied", "connection-lost", "connection-failed",
)  # fmt: skip


def _states_other_status(_run: Run, text: ErrorText, _match: re.Match[str]) -> bool:
    """Return True if an error states a status that says more than its words; 403 says less."""
    match = HTTP_STATUS.search(text.text)
    return match is not None and stated_status(match) != HTTPStatus.FORBIDDEN


PATTERNS = (
    ErrorPattern(
        pattern=r"exceeded the 'max_(?!connections|user_connections)[^'\n]{1,40}' resource[^\n]{0,60}",
        message="the account reached one of its limits per hour",
        fix="run again later, send fewer statements, or raise the limit of the account",
        domain="infra",
    ),
    ErrorPattern(
        pattern=(
            r"(?i:(?<!disk )(?<![/\\])\bquota (?:was |has been )?exceeded\b(?!/)|\bexceeded (?:the|its|your)(?: [\w-]{1,30}){0,4} quota\b)[^\n]{0,120}"
            r"|(?i:\b(?:hourly|daily|weekly|monthly|usage) limit (?:of [^\n:;,]{1,40} )?(?:was |has been )?(?:reached|exceeded))"
        ),
        message="the account reached a limit of the service",
        fix="run again when the limit is reset, use less, or raise the limit of the account",
        domain="config",
    ),
    ErrorPattern(
        pattern=(
            r"(?i:\btoo many requests\b(?! \())"
            r"|(?i:\brate[ -]?limit(?:s|ing)?(?=[ :])[^\n'\"]{0,60}? (?:exceeded|reached|hit|error)\b)"
            r"|(?i:\b(?:exceed(?:ed|s|ing)?|reached|hit|by|on|to|of|over)(?: (?:the|its|your|a|an|api))? rate[ -]?limit(?:s|ing|er)?\b)"
            r"|(?i:\brate[ -]limited\b)|\b(?:SlowDown|THROTTLED|RATE_LIMITED|RateLimitError|RequestLimitExceeded|Throttling(?:Exception)?|ThrottledException|TooManyRequestsException)\b[^\n]{0,100}|\bRateLimitException\b"
        ),
        message="the service rejected requests because of its rate limit",
        fix="run again later or send fewer, larger batches",
        domain="infra",
        unless=_states_other_status,
    ),
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find also responses with a status of this kind."""
    yield from status_findings(run, "rate-limited")

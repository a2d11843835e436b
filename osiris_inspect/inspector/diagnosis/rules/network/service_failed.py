"""A service reported an internal error.

What it finds:
    A response of a web service with a status of 500 or more.

Why it matters:
    The fault is in the service. Earlier requests may have been processed.

How to fix:
    Run again later; check the status page of the service.

Example:
    `503 Server Error: Service Unavailable for url: ...`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.model.finding import Confidence

REFINES = ("write-failed",)
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"\b50[0-9] (?:Server Error|Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out)[^\n]{0,120}"
            r"|\b[Ss]erver error '?50[0-9]\b[^\n]{0,80}"
            r"|(?i:\bservice unavailable\b|\bbad gateway\b|\binternal server error\b)"
            r"|\bHTTP(?:/\d(?:\.\d)?)? 50[0-9]\b[^\n]{0,80}"
            r"|\berror '5\d\d\b[^\n]{0,80}"
            r"|\bServiceBusyException\b[^\n]{0,80}"
        ),
        message="the service reported an internal error",
        fix="run again later; some work may have been done",
        domain="infra",
        error_class="service without database",
    ),
    ErrorPattern(
        pattern=r"Expecting value: line 1 column 1 \(char 0\)",
        message="the response was not JSON",
        fix="check the response; it is often empty, or a proxy or login page",
        domain="infra",
        confidence=Confidence.MEDIUM,
    ),
)

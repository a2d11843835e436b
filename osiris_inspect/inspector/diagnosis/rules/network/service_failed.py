"""A service answered with an error of its own.

What it finds:
    An answer of a web service with a status of 500 or more.

Why it matters:
    The fault is on the other side. What was sent before may have been taken.

How to fix:
    Repeat later; look at the status page of the service.

Example:
    `503 Server Error: Service Unavailable for url: ...`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.model.finding import Confidence

RANK = 63
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
        message="the service failed",
        fix="repeat later; a part of the work may have been done",
        domain="infra",
        error_class="service without database",
    ),
    ErrorPattern(
        pattern=r"Expecting value: line 1 column 1 \(char 0\)",
        message="what should have been JSON is none",
        fix="look at the answer by hand: mostly it is empty, or a page of a proxy or of a login",
        domain="infra",
        confidence=Confidence.MEDIUM,
    ),
)

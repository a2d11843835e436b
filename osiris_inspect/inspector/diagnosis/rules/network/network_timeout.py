"""A server did not answer in time.

What it finds:
    An error of a network connection that had been made and fell silent.

Why it matters:
    The query may still run on the server.

How to fix:
    Repeat; read less at once.

Example:
    `Lost connection to MySQL server during query`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.model.finding import Confidence

RANK = 44
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"\b(?:Read|Connect|Write|Pool)Timeout(?:Error)?\b[^\n]{0,80}"
            r"|(?i:(?:read|write|connection|connect|operation|request|query|handshake) (?:operation )?timed out)"
            r"|(?i:^(?:driver error: |execution failed: )?(?:TimeoutError: )?timed out\.?$)"
            r"|(?i:\bETIMEDOUT\b)"
            r"|\[Errno 110\] [^\n]{1,60}"
            r"|(?i:(?:connection|request|read) timeout)[^\n]{0,60}"
            r"|Lost connection to MySQL server[^\n]{0,80}"
            r"|MySQL server has gone away"
        ),
        message="the server did not answer in time",
        fix="repeat; if it stays, look at the load of the server and at the query",
        domain="infra",
        error_class="connection lost",
    ),
    ErrorPattern(
        pattern=r"(?i:statement timeout|maximum statement execution time exceeded)",
        message="the server ended the query at its time limit",
        fix="make the query lighter, read or write less at once, or raise the limit of the server",
        domain="infra",
        error_class="statement timeout",
    ),
    ErrorPattern(
        pattern=r"^(?:\w{1,60}\.)?TimeoutError$",
        message="something did not answer in time, and the error does not say what",
        fix="see where the traceback ends: what was waited for",
        domain="infra",
        confidence=Confidence.MEDIUM,
    ),
)

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

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.evidence.pattern import Pattern
from osiris_inspect.inspector.evidence.signature import Signature
from osiris_inspect.inspector.lineage import Lineage
from osiris_inspect.inspector.run import Run
from osiris_inspect.model.finding import Finding

NEEDS: Final = ("events",)
RANK: Final = 63

SIGNATURE: Final = Signature(
    rule="service-failed",
    pattern=Pattern(
        r"\b50[0-9] (?:Server Error|Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out)[^\n]{0,120}"
        r"|\b[Ss]erver error '?50[0-9]\b[^\n]{0,80}"
        r"|(?i:\bservice unavailable\b|\bbad gateway\b|\binternal server error\b)"
        r"|\bHTTP(?:/\d(?:\.\d)?)? 50[0-9]\b[^\n]{0,80}"
    ),
    message="the service failed",
    fix="repeat later; a part of the work may have been done",
    domain="infra",
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so."""
    return SIGNATURE.findings(run)

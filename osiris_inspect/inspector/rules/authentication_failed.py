"""A database or service refused the credentials.

What it finds:
    An error in which a server says that user, password or key are wrong.

Why it matters:
    Nothing downstream can work, and a retry only locks the account.

How to fix:
    Correct the connection or the environment variable it reads. A password with `@`, `:` or `/` must be
    escaped where it goes into a URL.

Example:
    `(1045, "Access denied for user 'reader'@'localhost' (using password: YES)")`
"""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.evidence.pattern import Pattern
from osiris_inspect.inspector.evidence.signature import Signature
from osiris_inspect.inspector.lineage import Lineage
from osiris_inspect.inspector.run import Run
from osiris_inspect.model.finding import Finding

NEEDS: Final = ("events",)
RANK: Final = 40

SIGNATURE: Final = Signature(
    rule="authentication-failed",
    pattern=Pattern(
        r"(?P<who>Access denied for user '[^']{0,80}'@'[^']{0,80}')"
        r"|password authentication failed for user \"?[^\"\s]{0,80}"
        r"|\b28P01\b"
        r"|(?i:authentication failed)"
        r"|\b401\b[^\n]{0,20}\bUnauthorized\b"
        r"|(?i:invalid api key)"
    ),
    message="the credentials were refused",
    fix="check user and password of the connection, and that the environment variable it reads holds the current one",
    domain="config",
    in_logs=True,
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so."""
    return SIGNATURE.findings(run)

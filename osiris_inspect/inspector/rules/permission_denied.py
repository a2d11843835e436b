"""A server or the file system refused what the step may not do.

What it finds:
    An error in which a known user is refused one action.

Why it matters:
    The credentials are right and the rights are not: a retry will not help.

How to fix:
    Grant the right named in the message, or write to a place the step may write to.

Example:
    `(1142, "INSERT command denied to user 'reader'@'localhost' for table 'stats'")`
"""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.evidence.pattern import Pattern
from osiris_inspect.inspector.evidence.signature import Signature
from osiris_inspect.inspector.lineage import Lineage
from osiris_inspect.inspector.run import Run
from osiris_inspect.model.finding import Finding

NEEDS: Final = ("events",)
RANK: Final = 42

SIGNATURE: Final = Signature(
    rule="permission-denied",
    pattern=Pattern(
        r"\b\w+ command denied to user[^\n]{0,100}"
        r"|permission denied for (?:table|schema|relation|database|sequence) [^\s]{0,80}"
        r"|\[Errno 13\] Permission denied:? ?'?[^'\n]{0,160}"
        r"|\b403\b[^\n]{0,20}\b[Ff]orbidden\b|(?i:access forbidden)[^\n]{0,40}"
        r"|(?i:(?:insufficient|lacks?|without) (?:the )?(?:privileges?|permissions?|rights?))[^\n]{0,80}"
        r"|Access denied for user [^\n]{1,120} to database [^\n]{1,80}"
        r"|violates row-level security policy[^\n]{0,80}"
    ),
    message="access was denied",
    fix="grant the missing right, or use an account that has it",
    domain="config",
    in_logs=True,
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so."""
    return SIGNATURE.findings(run)

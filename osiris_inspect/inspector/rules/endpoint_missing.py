"""An address of a service does not exist.

What it finds:
    An answer with status 404 from a web service.

Why it matters:
    The address is wrong, or belongs to another version of the service.

How to fix:
    Correct the address in the connection or in the step.

Example:
    `404 Client Error: Not Found for url: ...`
"""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.evidence.pattern import Pattern
from osiris_inspect.inspector.evidence.signature import Signature
from osiris_inspect.inspector.lineage import Lineage
from osiris_inspect.inspector.run import Run
from osiris_inspect.model.finding import Finding

NEEDS: Final = ("events",)
RANK: Final = 52

SIGNATURE: Final = Signature(
    rule="endpoint-missing",
    pattern=Pattern(r"\b404 (?:Client Error|Not Found)[^\n]{0,160}|not found \(404\)"),
    message="the service does not know the address",
    fix="correct the address in the connection or in the step",
    domain="config",
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so."""
    return SIGNATURE.findings(run)

"""A step handed over a value that has no form in JSON.

What it finds:
    An error while a metric or a result was written.

Why it matters:
    A step that had done its work fails because of what it says about it.

How to fix:
    Call `int()` or `float()` on numpy values before they are logged.

Example:
    `Object of type int64 is not JSON serializable`
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
    rule="value-not-serialisable",
    pattern=Pattern(
        r"Object of type (?P<type>\w{1,60}) is not JSON serializable"
        r"|(?:Out of range float values|NaN) (?:are|is) not JSON compliant"
    ),
    message="a driver logged a value that has no form in JSON",
    fix="convert the value to a plain number or text before it is logged",
    domain="code",
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so."""
    return SIGNATURE.findings(run)

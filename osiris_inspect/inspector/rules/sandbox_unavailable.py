"""No sandbox could be had.

What it finds:
    An error before the first step, about the sandbox itself.

Why it matters:
    No step was run.

How to fix:
    Check the key, the quota and the installed SDK.

Example:
    `E2B_API_KEY not found`
"""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.evidence.pattern import Pattern
from osiris_inspect.inspector.evidence.signature import Signature
from osiris_inspect.inspector.lineage import Lineage
from osiris_inspect.inspector.run import Run
from osiris_inspect.model.finding import Finding

NEEDS: Final = ("events",)
RANK: Final = 38

SIGNATURE: Final = Signature(
    rule="sandbox-unavailable",
    pattern=Pattern(
        r"E2B_API_KEY (?:not found|is not set|not set|environment variable)[^\n]{0,80}"
        r"|E2B SDK not installed[^\n]{0,60}"
        r"|requires async execution"
        r"|Failed to create sandbox[^\n]{0,100}"
        r"|(?i:sandbox (?:was )?not found)"
    ),
    message="no sandbox could be had",
    fix="set E2B_API_KEY and install the SDK",
    domain="infra",
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so."""
    return SIGNATURE.findings(run)

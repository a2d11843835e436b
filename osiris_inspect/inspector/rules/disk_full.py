"""The disk was full.

What it finds:
    An error in which a disk refused to take more.

Why it matters:
    Files written at that moment may be cut off.

How to fix:
    Free space where the step writes, and run again.

Example:
    `[Errno 28] No space left on device`
"""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.evidence.pattern import Pattern
from osiris_inspect.inspector.evidence.signature import Signature
from osiris_inspect.inspector.lineage import Lineage
from osiris_inspect.inspector.run import Run
from osiris_inspect.model.finding import Finding

NEEDS: Final = ("events",)
RANK: Final = 39

SIGNATURE: Final = Signature(
    rule="disk-full",
    pattern=Pattern(
        r"(?i:no space left on device)"
        r"|\bENOSPC\b"
        r"|(?i:disk quota exceeded)"
    ),
    message="there is no space left on the disk",
    fix="free space, or write to another disk",
    domain="infra",
    in_logs=True,
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so."""
    return SIGNATURE.findings(run)

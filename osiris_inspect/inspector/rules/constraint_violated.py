"""A target refused rows that break a constraint.

What it finds:
    An error in which a database refuses rows.

Why it matters:
    Earlier batches may have been written: the target can be half new.

How to fix:
    Use `upsert` with the right primary key, or clean the data first.

Example:
    `duplicate key value violates unique constraint`
"""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.evidence.pattern import Pattern
from osiris_inspect.inspector.evidence.signature import Signature
from osiris_inspect.inspector.lineage import Lineage
from osiris_inspect.inspector.run import Run
from osiris_inspect.model.finding import Finding

NEEDS: Final = ("events",)
RANK: Final = 43

SIGNATURE: Final = Signature(
    rule="constraint-violated",
    pattern=Pattern(
        r"duplicate key value violates unique constraint[^\n]{0,120}"
        r"|Duplicate entry '[^'\n]{0,80}' for key[^\n]{0,80}"
        r"|violates (?:foreign key|not-null|check) constraint[^\n]{0,120}"
        r"|Column '[^'\n]{1,80}' cannot be null"
        r"|cannot add or update a child row[^\n]{0,80}"
        r"|UNIQUE constraint failed[^\n]{0,80}"
    ),
    message="the target refused rows that break a constraint",
    fix="write with mode upsert, or remove the rows that are there already",
    domain="data",
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so."""
    return SIGNATURE.findings(run)

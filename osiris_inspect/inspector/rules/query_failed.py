"""A database refused a query for another reason than its syntax or its names.

What it finds:
    An error that the database raised while it ran a query.

Why it matters:
    The step gave no frame, so everything downstream has no input.

How to fix:
    The message names the value or the function; correct the query or the data.

Example:
    `Conversion Error: Could not convert string 'n/a' to INT32`
"""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.evidence.pattern import Pattern
from osiris_inspect.inspector.evidence.signature import Signature
from osiris_inspect.inspector.lineage import Lineage
from osiris_inspect.inspector.run import Run
from osiris_inspect.model.finding import Finding

NEEDS: Final = ("events",)
RANK: Final = 65

SIGNATURE: Final = Signature(
    rule="query-failed",
    pattern=Pattern(
        r"Conversion Error: [^\n]{1,160}"
        r"|Binder Error: [^\n]{1,160}"
        r"|Constraint Error: [^\n]{1,160}"
        r"|Invalid Input Error: (?!Python Object|Need a DataFrame)[^\n]{1,160}"
        r"|Catalog Error: (?!Table with name)[^\n]{1,160}"
        r"|Out of Range Error: [^\n]{1,160}"
        r"|GraphQL errors: [^\n]{1,160}"
        r"|(?:Not implemented|Mismatch Type|Type|Dependency|Permission|Sequence|Interrupt|TransactionContext|Transaction) Error: [^\n]{1,160}"
        r"|\(pymysql\.err\.\w+\) \(\d+, [^\n]{1,160}"
    ),
    message="the database refused the query",
    fix="the message names the value, the function or the type; for values that do not convert use TRY_CAST",
    hint=Pattern(r"(?:Candidate (?:bindings|tables)|Did you mean)[: ]+(?P<hint>[^\n?]{1,160})"),
    domain="data",
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so."""
    return SIGNATURE.findings(run)

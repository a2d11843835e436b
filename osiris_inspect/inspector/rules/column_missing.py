"""A query, a file or a target lacks a column.

What it finds:
    An error in which a column is asked for that is not there.

Why it matters:
    Either a name is misspelt, or the source has changed its schema.

How to fix:
    Use the name the source has, or adapt the pipeline to the new schema.

Example:
    `Binder Error: Referenced column "custommer_id" not found in FROM clause!`
"""

import re
from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.lineage import Lineage
from osiris_inspect.inspector.run import Run
from osiris_inspect.inspector.signature import Signature
from osiris_inspect.model.finding import Finding

NEEDS: Final = ("events",)
RANK: Final = 44

SIGNATURE: Final = Signature(
    rule="column-missing",
    pattern=re.compile(
        r"Unknown column '(?P<c1>[^'\n]{1,120})'"
        r"|Referenced column \"(?P<c2>[^\"\n]{1,120})\" not found"
        r"|column \"?(?P<c3>[^\"\s\n]{1,120})\"? (?:of relation \S{1,80} )?does not exist"
        r"|Usecols do not match columns, columns expected but not found: (?P<c4>[^\n]{1,120})"
        r"|Could not find the '(?P<c5>[^'\n]{1,120})' column of"
        r"|Table \"[^\"]{1,80}\" does not have a column named \"(?P<c6>[^\"\n]{1,120})\""
        r"|KeyError: '(?P<c7>[^'\n]{1,120})'"
    ),
    message="column {column} does not exist",
    fix="correct the name of the column; candidates often stand in the message",
    domain="config",
    about="column",
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so."""
    return SIGNATURE.findings(run)

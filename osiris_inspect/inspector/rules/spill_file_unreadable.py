"""A spilled frame could not be read back.

What it finds
    An error while a spilled frame was read.

Why it matters
    The frame is lost, although its step succeeded.

How to fix
    See whether the file is there and whole; run again.

Example
    `Failed to load input DataFrame for df: Parquet magic bytes not found`
"""

import re
from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.lineage import Lineage
from osiris_inspect.inspector.run import Run
from osiris_inspect.inspector.signature import Signature
from osiris_inspect.model.finding import Finding

NEEDS: Final = ("events",)
RANK: Final = 35

SIGNATURE: Final = Signature(
    rule="spill-file-unreadable",
    pattern=re.compile(
        r"Failed to load (?:input )?(?:DataFrame|parquet)[^\n]{0,160}"
        r"|Parquet magic bytes not found[^\n]{0,80}"
        r"|(?:spill(?:ed)? (?:frame|file)|output\.parquet)[^\n]{0,160}(?:missing|corrupt|damaged|cut|changed)[^\n]{0,60}"
    ),
    message="a spilled frame could not be read back",
    fix="keep the artifacts of a run until it is over, and look at the disk",
    domain="infra",
    in_logs=True,
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so."""
    return SIGNATURE.findings(run)

"""Configuration files of the compiled pipeline are not there.

What it finds
    A check before the run that misses files of the compiled pipeline.

Why it matters
    No step was run: the build directory is incomplete or was moved.

How to fix
    Compile again, and run from the directory that was compiled.

Example
    `Preflight validation failed: Missing required cfg files: cfg/agg-orders.json`
"""

import re
from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.lineage import Lineage
from osiris_inspect.inspector.run import Run
from osiris_inspect.inspector.signature import Signature
from osiris_inspect.model.finding import Finding

NEEDS: Final = ("events",)
RANK: Final = 38

SIGNATURE: Final = Signature(
    rule="config-missing",
    pattern=re.compile(
        r"Missing required cfg files:(?P<what>[^\n]{0,160})"
        r"|Missing configuration files required by manifest[^\n]{0,120}"
        r"|Cannot find source location for cfg files[^\n]{0,120}"
        r"|Config file not found: (?P<f>[^\n]{1,160})"
    ),
    message="configuration files of the compiled pipeline are missing",
    fix="compile the pipeline again",
    domain="infra",
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so."""
    return SIGNATURE.findings(run)

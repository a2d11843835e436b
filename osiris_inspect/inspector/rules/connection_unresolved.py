"""A connection that a step refers to is not configured.

What it finds:
    A reference to a connection that does not exist, belongs to another family, or is written wrongly.

Why it matters:
    The step cannot know where to connect.

How to fix:
    Compare the reference in the pipeline with the connections file.

Example:
    `Connection alias 'nope' not found in family 'mysql'. Available aliases: main`
"""

import re
from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.lineage import Lineage
from osiris_inspect.inspector.run import Run
from osiris_inspect.inspector.signature import Signature
from osiris_inspect.model.finding import Finding

NEEDS: Final = ("events",)
RANK: Final = 40

SIGNATURE: Final = Signature(
    rule="connection-unresolved",
    pattern=re.compile(
        r"Connection alias '(?P<a1>[^'\n]{0,80})' not found in family '(?P<f1>[^'\n]{0,80})'[^\n]{0,120}"
        r"|Connection family '[^'\n]{0,80}' not found"
        r"|No connections? (?:configured|defined)[^\n]{0,80}"
        r"|Connection family mismatch: [^\n]{1,120}"
        r"|Invalid connection reference format: [^\n]{1,120}"
        r"|(?i:unknown connection) [^\n]{1,80}"
        r"|connection '?@[\w.\-]{1,120}'? (?:is )?not (?:found|configured|defined)"
        r"|(?:no default connection|No default connection)[^\n]{0,80}"
    ),
    message="the connection of the step could not be resolved",
    fix="correct the reference @family.alias, or add the connection to osiris_connections.yaml",
    domain="config",
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so."""
    return SIGNATURE.findings(run)

"""A pipeline file is no valid YAML or of an unknown version.

What it finds:
    A compile error about the form of the pipeline file.

Why it matters:
    Nothing could be compiled.

How to fix:
    Correct the file; most editors mark the place.

Example:
    `expected ',' or ']', but got '<stream end>'`
"""

import re
from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.lineage import Lineage
from osiris_inspect.inspector.run import Run
from osiris_inspect.inspector.signature import Signature
from osiris_inspect.model.finding import Finding

NEEDS: Final = ("events",)
RANK: Final = 45

SIGNATURE: Final = Signature(
    rule="pipeline-unreadable",
    pattern=re.compile(
        r"while (?:parsing|scanning) (?:a|an|the) [^\n]{1,100}"
        r"|Missing oml_version[^\n]{0,60}"
        r"|Unsupported OML version[^\n]{0,60}"
        r"|mapping values are not allowed here"
        r"|could not find expected ':'"
        r"|found character '[^\n]{1,6}' that cannot start any token"
    ),
    message="the pipeline file cannot be read",
    fix="correct the YAML at the line the message names",
    domain="config",
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so."""
    return SIGNATURE.findings(run)

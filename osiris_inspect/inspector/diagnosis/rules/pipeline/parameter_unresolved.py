"""A pipeline has a parameter without a value.

What it finds:
    A compile error about a parameter.

Why it matters:
    The pipeline cannot be compiled without it.

How to fix:
    Pass a value, or write a default into the pipeline.

Example:
    `Unresolved parameters: ['params.table']`
"""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Finding

NEEDS: Final = ("failures",)
RANK: Final = 40

SIGNATURE: Final = ErrorPattern(
    rule="parameter-unresolved",
    pattern=LazyRegex(
        r"Unresolved parameters?: (?P<what>[^\n]{1,160})"
        r"|parameter '(?P<p>[^'\n]{1,80})' has no value"
    ),
    message="a parameter has no value",
    fix="give it with --param, a profile, the environment or a default",
    domain="config",
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so."""
    return SIGNATURE.find_all(run)

"""A pipeline file holds a secret in clear.

What it finds:
    A compile error about a secret in the pipeline file.

Why it matters:
    A secret in a file under version control is no secret.

How to fix:
    Put it into the environment, and rotate it.

Example:
    `Inline secret detected at steps[0].config.password`
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
    rule="secret-inline",
    pattern=LazyRegex(r"Inline secrets? (?:detected|at|found)[^\n]{0,120}"),
    message="the pipeline holds a secret in clear and was refused",
    fix="move the secret to a connection and refer to it by the name of an environment variable",
    domain="config",
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so."""
    return SIGNATURE.find_all(run)

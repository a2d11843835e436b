"""A configuration has a key nobody knows.

What it finds:
    An error in which a component does not know a key it was given.

Why it matters:
    Mostly a misspelt key, so the value that was meant is not set.

How to fix:
    Correct the spelling; the component lists the keys it knows.

Example:
    `Unknown configuration key 'sqlx' for component 'mysql.extractor'`
"""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Finding

NEEDS: Final = ("failures",)
RANK: Final = 42

SIGNATURE: Final = ErrorPattern(
    rule="config-key-unknown",
    pattern=LazyRegex(
        r"Unknown configuration keys?:? '?(?P<key>[^'\n]{1,120})'?[^\n]{0,80}"
        r"|unknown (?:config )?key '(?P<key2>[^'\n]{1,80})'"
    ),
    message="the configuration has an unknown key",
    fix="remove the key or correct its spelling",
    domain="config",
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so."""
    return SIGNATURE.find_all(run)

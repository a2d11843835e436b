"""A service asked to slow down.

What it finds:
    An answer with status 429, or an error that names a rate limit.

Why it matters:
    A repeat at once makes it worse.

How to fix:
    Slow down, or ask for a higher limit.

Example:
    `429 Too Many Requests`
"""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Finding

NEEDS: Final = ("failures",)
RANK: Final = 44

SIGNATURE: Final = ErrorPattern(
    rule="rate-limited",
    pattern=LazyRegex(
        r"(?i:\btoo many requests\b)"
        r"|(?i:rate limit(?:ed| exceeded))|\bRateLimitException\b"
    ),
    message="the service limits the rate of requests",
    fix="wait and repeat, or make the batches larger and fewer",
    domain="infra",
    search_text_logs=True,
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so."""
    return SIGNATURE.find_all(run)

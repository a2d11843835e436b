"""An address of a service does not exist.

What it finds:
    An answer with status 404 from a web service.

Why it matters:
    The address is wrong, or belongs to another version of the service.

How to fix:
    Correct the address in the connection or in the step.

Example:
    `404 Client Error: Not Found for url: ...`
"""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Finding

NEEDS: Final = ("failures",)
RANK: Final = 52

SIGNATURE: Final = ErrorPattern(
    rule="endpoint-missing",
    pattern=LazyRegex(r"\b404 (?:Client Error|Not Found)[^\n]{0,160}|not found \(404\)|\(HTTP 404\)"),
    message="the service does not know the address",
    fix="correct the address in the connection or in the step",
    domain="config",
)
_NO_URL: Final = ErrorPattern(
    rule="endpoint-missing",
    pattern=LazyRegex(
        r"Invalid URL '[^'\n]{0,160}': No scheme supplied|Request URL is missing an 'http://' or 'https://'"
    ),
    message="the address of the service is no URL",
    fix="write the address with https:// in front",
    domain="config",
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so."""
    yield from SIGNATURE.find_all(run)
    yield from _NO_URL.find_all(run)

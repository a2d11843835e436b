"""No sandbox could be had.

What it finds:
    An error before the first step, about the sandbox itself.

Why it matters:
    No step was run.

How to fix:
    Check the key, the quota and the installed SDK.

Example:
    `E2B_API_KEY not found`
"""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Domain, Finding

NEEDS: Final = ("failures",)
RANK: Final = 38


def _signature(message: str, fix: str, pattern: str, domain: Domain = "infra") -> ErrorPattern:
    return ErrorPattern(
        rule="sandbox-unavailable", pattern=LazyRegex(pattern), message=message, fix=fix, domain=domain
    )


_NO_KEY: Final = "no sandbox could be had without a valid key"

SIGNATURES: Final = (
    _signature(
        _NO_KEY,
        "set E2B_API_KEY to a valid key where the run is started",
        r"E2B_API_KEY (?:not found|is not set|not set|environment variable)[^\n]{0,80}"
        r"|API key is required, please visit the API Keys[^\n]{0,80}"
        r"|Failed to create sandbox: 401\b[^\n]{0,80}",
        "config",
    ),
    _signature(
        "no sandbox could be had", "install the SDK: pip install e2b", r"E2B SDK not installed[^\n]{0,60}"
    ),
    _signature(
        "no sandbox could be had: there are as many as the plan allows",
        "end sandboxes that nobody needs, or raise the limit",
        r"(?:maximum|max) number of concurrent E2B sandboxes[^\n]{0,60}|Failed to create sandbox: 429\b[^\n]{0,120}",
    ),
    _signature(
        "no sandbox could be had: the account is blocked",
        "look at billing and limits of the account",
        r"(?i:team is blocked)[^\n]{0,100}|(?i:billing limit reached)",
        "config",
    ),
    _signature(
        "no sandbox could be had: its template is not there, or too old",
        "correct the name of the template, or build it again",
        r"(?i:template '[^'\n]{1,120}' (?:was )?not found)|\bTemplateException\b[^\n]{0,100}",
        "config",
    ),
    _signature(
        "no sandbox could be had for so long a time",
        "ask for a time limit that the plan allows",
        r"Timeout cannot be greater than [^\n]{1,60}",
        "config",
    ),
    _signature(
        "no sandbox could be had",
        "see what the service answered",
        r"requires async execution|Failed to create sandbox[^\n]{0,100}",
    ),
)
_EARLY: Final = (
    _signature(
        _NO_KEY,
        "set E2B_API_KEY to a valid key where the run is started",
        r"401: Unauthorized, please check your credentials\.[^\n]{0,80}",
        "config",
    ),
    _signature(
        "no sandbox could be had",
        "see what the service answered",
        r"\bSandboxException: \d{3}: [^\n]{1,120}"
        r"|\b(?:429: Rate limit exceeded|503: Service temporarily unavailable), please [^\n]{1,120}"
        r"|(?i:sandbox (?:[^\s:]{1,80} )?(?:was )?not found)",
    ),
)
"""What the SDK says of any request: about the sandbox itself where no step had begun."""


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so."""
    begun = any(step.status != "not_started" for step in run.steps)
    for signature in SIGNATURES if begun else (*SIGNATURES, *_EARLY):
        yield from signature.find_all(run)

"""No sandbox could be created.

What it finds:
    An error about the sandbox itself, before the first step.

Why it matters:
    No step ran.

How to fix:
    Check the API key, the quota and the installed SDK.

Example:
    `E2B_API_KEY not found`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText
from osiris_inspect.inspector.diagnosis.rule import Findings
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex

SEARCHES = ("errors",)
REFINES = ("network", "permission-denied", "step-timeout", "dependency-missing")
"""A refusal of the sandbox service is worded like that of any service; these rules do not know which one it was."""
_REASONS = (
    (
        LazyRegex(r"(?i)certificate|\bssl\b"),
        "correct the certificates or the proxy where the run was started",
    ),
    (
        LazyRegex(r"(?i)name resolution|name or service|getaddrinfo|nodename|refused|unreachable|no route"),
        "check the network where the run was started: the service was not reached",
    ),
    (
        LazyRegex(r"(?i)timed out|timeout|deadline|\b50[0234]\b"),
        "run again later, and check the status of the service",
    ),
)


def _fix(_run: Run, text: ErrorText, _match: object) -> str:
    """Return the remedy for the reason that the error states."""
    return next(
        (fix for reason, fix in _REASONS if reason.search(text.text)), "check the response of the service"
    )


PATTERNS = (
    ErrorPattern(
        pattern=(
            r"E2B_API_KEY (?:not found|is not set|not set|environment variable)[^\n]{0,80}"
            r"|API key is required, please visit the API Keys[^\n]{0,80}"
            r"|Failed to create sandbox: 401\b[^\n]{0,80}"
            r"|Invalid API key format: expected 'e2b_' prefix|Invalid E2B API key[^\n]{0,80}"
        ),
        message="no sandbox could be created without a valid API key",
        fix="set E2B_API_KEY to a valid key in the environment of the run",
        domain="config",
    ),
    ErrorPattern(
        pattern=r"E2B SDK not installed[^\n]{0,60}|No module named '?e2b\w{0,30}'?",
        message="no sandbox could be created",
        fix="install the SDK: pip install e2b",
        domain="infra",
    ),
    ErrorPattern(
        pattern=r"(?:maximum|max) number of concurrent E2B sandboxes[^\n]{0,60}|Failed to create sandbox: 429\b[^\n]{0,120}",
        message="no sandbox could be created: the plan's limit of concurrent sandboxes was reached",
        fix="stop unused sandboxes or raise the limit",
        domain="infra",
    ),
    ErrorPattern(
        pattern=r"(?i:team is blocked)[^\n]{0,100}|(?i:billing limit reached)",
        message="no sandbox could be created: the account was blocked",
        fix="check the billing and limits of the account",
        domain="config",
    ),
    ErrorPattern(
        pattern=r"(?i:template '?[^'\s]{1,120}'? (?:was )?not found)|\bTemplateException\b[^\n]{0,100}"
        r"|need to update the template",
        message="no sandbox could be created: its template was missing or too old",
        fix="correct the template name or rebuild the template",
        domain="config",
    ),
    ErrorPattern(
        pattern=r"Timeout cannot be greater than [^\n]{1,60}",
        message="no sandbox could be created with this time limit",
        fix="use a time limit that the plan allows",
        domain="config",
    ),
    ErrorPattern(
        pattern=r"(?i:sandbox is running but (?:the )?port is not open)",
        message="the sandbox runs, but no program in it listens on this port",
        fix="check the start command of the template, and whether the program ended",
        domain="infra",
    ),
    ErrorPattern(
        pattern=r"requires async execution|Failed to create sandbox[^\n]{0,100}",
        message="no sandbox could be created",
        fix=_fix,
        domain="infra",
    ),
)
_BEFORE_STEPS = (
    ErrorPattern(
        pattern=r"401: Unauthorized, please check your credentials\.[^\n]{0,80}",
        message="no sandbox could be created without a valid API key",
        fix="set E2B_API_KEY to a valid key in the environment of the run",
        domain="config",
    ),
    ErrorPattern(
        pattern=(
            r"\bSandboxException: \d{3}: [^\n]{1,120}"
            r"|\b(?:429: Rate limit exceeded|503: Service temporarily unavailable), please [^\n]{1,120}"
            r"|(?i:sandbox (?:[^\s:]{1,80} )?(?:was )?not found)"
            r"|\bRateLimitException\b[^\n]{0,100}"
        ),
        message="no sandbox could be created",
        fix="check the response of the service",
        domain="infra",
    ),
)
"""Errors that the SDK reports for any request; before the first step they concern the sandbox itself."""


def check(run: Run, _lineage: Lineage) -> Findings:
    """Search also the ambiguous errors if no step was started."""
    if all(step.status == "not_started" for step in run.steps):
        for pattern in _BEFORE_STEPS:
            yield from pattern.find_all(run)

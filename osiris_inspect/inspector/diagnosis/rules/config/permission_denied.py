"""A server or the file system denied access.

What it finds:
    An error in which an authenticated user lacks a permission.

Why it matters:
    The credentials are valid and the permissions are not: a retry does not help.

How to fix:
    Grant the permission that the message names, or use a location that the step may access. Row-level security needs
    a policy for the role: GRANT does not help.

Example:
    `(1142, "INSERT command denied to user 'reader'@'localhost' for table 'stats'")`
"""

import re

from osiris_inspect.base.error_pages import PAGE_FIXES, PageSender
from osiris_inspect.inspector.diagnosis.evidence.configuration.login import is_after_login
from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText, matching_errors
from osiris_inspect.inspector.diagnosis.evidence.http_status import status_findings
from osiris_inspect.inspector.diagnosis.rule import Findings
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence

SEARCHES = ("errors", "text logs")
REFINES = ("request-refused", "query-failed")
_ROW_SECURITY = LazyRegex(r"row-level security")


def _fix(_run: Run, text: ErrorText, _match: re.Match[str]) -> str:
    """Return the remedy for missing privileges, or for a policy of row-level security."""
    if any(_ROW_SECURITY.search(part) for part in (text.text, *text.causes)):
        return (
            "add a policy that allows this to the role, or use a key whose role bypasses row-level security; "
            "a GRANT does not help"
        )
    return "grant the missing permission or use an account that has it"


def _fix_file(run: Run, text: ErrorText, match: re.Match[str]) -> str:
    """Return the remedy for a file, which in a sandbox depends on what the sandbox allows."""
    if run.isolation in ("bwrap", "landlock"):
        return "use a path of the pipeline's own configuration: the sandbox allows no other files"
    if not any(mark in text.text[match.start() :] for mark in "'\"/"):
        return "find out what the step opened, changed or signalled there, and allow it to the account that runs the step"
    return "change the owner or the mode of the file or its directory, or use a directory of the account that runs the step"


def _is_at_login(run: Run, text: ErrorText, match: re.Match[str]) -> bool:
    """Return True unless the login succeeded."""
    return not is_after_login(run, text, match)


_AFTER_LOGIN = ErrorPattern(
    pattern=r"Access denied for user '[^'\n]{0,80}'@'[^'\n]{0,80}' \(using password[^\n]{0,20}",
    message="the login succeeded, and the server refused the statement: a definer of a view or routine, or a missing right",
    fix="check the definers of the views and routines in the query, and the rights of the user (FILE for INTO OUTFILE)",
    domain="config",
    unless=_is_at_login,
)
"""For errors with the code of rejected credentials."""

PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Attention Required! \| Cloudflare|\berror code: 10(?:0[5-9]|10|12|20)\b|(?i:sorry, you have been blocked)"
            r"|(?i:The requested URL was rejected\. Please consult)|\bIncapsula incident ID\b"
            r"|(?i:blocked by (?:(?:the|a|our) )?(?:WAF\b|web application firewall|firewall|(?:network |web )?security (?:policy|rule)))"
            r"|(?i:\b(?:ip|address) [^\n]{0,60}?\bnot (?:allowed|whitelisted|allowlisted|permitted)\b)"
        ),
        message="a firewall in front of the service blocked the request",
        fix=PAGE_FIXES[PageSender.FIREWALL],
        domain="infra",
    ),
    ErrorPattern(
        pattern=(
            r"\[Errno (?:13|1)\] (?:Permission denied|Operation not permitted):? ?'?[^'\n]{0,160}"
            r"|\bcannot (?:read|write|open|create|list) [^\n]{1,240}: (?i:permission denied)"
            r"|\[WinError 5\][^\n]{0,160}"
        ),
        message="the operating system denied access",
        fix=_fix_file,
        domain="config",
        search_text_logs=True,
    ),
    ErrorPattern(
        pattern=r"\bPermissionError\b(?!: ?\[)[^\n]{0,160}",
        message="access was denied, by the operating system or by a service that the code asked",
        fix="allow what the message or the line that raised the error names to the account of the step",
        domain="config",
        confidence=Confidence.MEDIUM,
    ),
    ErrorPattern(
        pattern=(
            r"\b\w{1,40} command denied to user[^\n]{0,100}"
            r"|permission denied for (?:table|schema|relation|database|sequence|function|view) [^\s]{0,80}"
            r"|must be owner of [^\n]{1,80}"
            r"|(?i:(?:insufficient|lacks?|without) (?:the )?(?:privileges?|permissions?|rights?))[^\n]{0,80}"
            r"|Access denied for user [^\n]{1,120} to database [^\n]{1,80}"
            r"|Access denied; you need [^\n]{1,120}"
            r"|violates row-level security policy[^\n]{0,80}"
            r"|Cannot open file [^\n]{1,200}: Permission denied"
            r"|\bAccessDenied(?:Exception)?\b[^\n]{0,160}|is not authorized to perform: [^\n]{1,120}"
            r"|\bAuthorizationPermissionMismatch\b[^\n]{0,80}"
        ),
        message="access was denied",
        fix=_fix,
        domain="config",
        search_text_logs=True,
        error_class="rights",
    ),
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find also statements that were refused after the login, and responses with status 403."""
    for text, match in matching_errors(run, _AFTER_LOGIN.regex, "credentials"):
        yield from _AFTER_LOGIN.findings_for(run, text, match)
    yield from status_findings(run, "permission-denied")

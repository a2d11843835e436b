"""A server or the file system denied access.

What it finds:
    An error in which an authenticated user lacks a permission.

Why it matters:
    The credentials are valid and the permissions are not: a retry does not help.

How to fix:
    Grant the permission that the message names, or write to a location that the step may access.

Example:
    `(1142, "INSERT command denied to user 'reader'@'localhost' for table 'stats'")`
"""

import re

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText
from osiris_inspect.inspector.diagnosis.evidence.http_status import status_findings
from osiris_inspect.inspector.diagnosis.rule import Findings
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run

REFINES = ("request-refused", "query-failed")


def _fix(_run: Run, text: ErrorText, _match: re.Match[str]) -> str:
    if "row-level security" in text.text:
        return (
            "add a policy that allows these rows for the role of the key, or use the key of the service role; "
            "a GRANT does not help"
        )
    return "grant the missing permission or use an account that has it"


PATTERNS = (
    ErrorPattern(
        pattern=(
            r"\b\w+ command denied to user[^\n]{0,100}"
            r"|permission denied for (?:table|schema|relation|database|sequence|function|view) [^\s]{0,80}"
            r"|must be owner of [^\n]{1,80}"
            r"|\[Errno 13\] Permission denied:? ?'?[^'\n]{0,160}"
            r"|\bPermissionError\b[^\n]{0,160}"
            r"|(?i:(?:insufficient|lacks?|without) (?:the )?(?:privileges?|permissions?|rights?))[^\n]{0,80}"
            r"|Access denied for user [^\n]{1,120} to database [^\n]{1,80}"
            r"|Access denied; you need [^\n]{1,120}"
            r"|violates row-level security policy[^\n]{0,80}"
        ),
        message="access was denied",
        fix=_fix,
        domain="config",
        search_text_logs=True,
        error_class="rights",
    ),
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find also responses with status 403."""
    yield from status_findings(run, "permission-denied")

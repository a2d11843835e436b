"""A service rejected a request as invalid.

What it finds:
    A response of a web service with a status of 400 to 499, except those about permissions, missing URLs and
    rate limits.

Why it matters:
    The same request fails again.

How to fix:
    Check the status: 400 and 422 mean the content, 405 the method, 409 a conflict, 413 the size.

Example:
    `400 Client Error: Bad Request for url: https://api.example.org/graphql`
"""

import re

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText
from osiris_inspect.inspector.diagnosis.evidence.http_status import states_status, status_findings
from osiris_inspect.inspector.diagnosis.rule import Findings
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex

SEARCHES = ("errors",)
REFINES = ("connection-failed", "table-creation-failed", "write-failed")
IS_GENERAL = True
_LOGIN_PAGE = LazyRegex(r"(?i:[/.](?:log-?in|sign-?in|auth|oauth2?|sso|saml2?|accounts?|users/sign_in)\b)")

_LOGIN = "check the key or token of the connection: the service redirects to a login page"


def _redirect_fix(_run: Run, text: ErrorText, _match: re.Match[str]) -> str:
    if _LOGIN_PAGE.search(text.text):
        return _LOGIN
    return "use the URL that the service redirects to"


def _loop_fix(_run: Run, text: ErrorText, _match: re.Match[str]) -> str:
    if _LOGIN_PAGE.search(text.text):
        return f"{_LOGIN}, again and again"
    return "check scheme and host of the URL, and the key or cookie that the service expects; a browser or curl -IL shows the loop"


PATTERNS = (
    ErrorPattern(
        pattern=r"\bRequestTimeTooSkewed\b[^\n]{0,120}|(?i:request (?:has )?expired|clock skew)[^\n]{0,80}",
        message="the time of the request differed too much from that of the service",
        fix="set the clock of the machine where the step ran",
        domain="infra",
    ),
    ErrorPattern(
        pattern=r"\bInvalidObjectState\b[^\n]{0,160}|\bBlobArchived\b[^\n]{0,100}",
        message="the object was in an archive",
        fix="restore the object from the archive before the run, or store it in another class",
        domain="config",
    ),
    ErrorPattern(
        pattern=r"(?i:got a packet bigger than)[^\n]{0,80}|(?i:request entity too large|payload too large)",
        message="the request was too large for the server",
        fix="send smaller batches or smaller files",
        domain="config",
        error_class="too large",
        unless=states_status,
    ),
    ErrorPattern(
        pattern=(
            r"\b[Ee]xceeded (?:\d{1,4}|(?:the )?max(?:imum)?(?: allowed)?(?: number of)?) redirects\b|\bTooManyRedirects\b|(?i:\btoo many redirects\b)"
            r"|\bredirect error that would lead to an infinite loop|\b(?i:redirect loop)\b"
        ),
        message="the redirects of the service form a loop",
        fix=_loop_fix,
        domain="config",
    ),
    ErrorPattern(
        pattern=r"\bRedirect response '3\d\d\b[^\n]{0,160}",
        message="the service redirected the request to another URL",
        fix=_redirect_fix,
        domain="config",
    ),
    ErrorPattern(
        pattern=r"\bThe resource already exists\b",
        message="the object existed already in the store",
        fix="allow the upload to replace the object (upsert), or use another name",
        domain="config",
    ),
    ErrorPattern(
        pattern=r"JSON object requested, multiple \(or no\) rows returned",
        message="the request asked for exactly one row, and the query found none or several",
        fix="correct the filter, or do not ask for a single row: leave out .single()",
        domain="config",
        error_class="one row",
    ),
    ErrorPattern(
        pattern=r"failed to parse (?:filter|order|select|logic tree|columns parameter)[^\n]{0,120}|All object keys must match",
        message="the service did not understand the request",
        fix="correct the filter, the columns or the rows that the step sends",
        domain="config",
        error_class="request",
    ),
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find also responses that a request was refused."""
    yield from status_findings(run, "request-refused")

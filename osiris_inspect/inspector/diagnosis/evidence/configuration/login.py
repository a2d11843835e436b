"""Phase in which a database refused access: the login, or a statement after it."""

import re

from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex

_EXECUTES = LazyRegex(r"\bcursors?\.py\", line \d{1,6}, in (?:execute|query|_query)\b")
_LOGS_IN = LazyRegex(r", in (?:_request_authentication|connect|_connect|_open_connection)\n")
_ON_SQL = LazyRegex(r"\bExecution failed on sql '")


_NOT_CHECKED = LazyRegex(
    r"\bdial (?:tcp|udp|unix)\b[^\n]{0,200}?: (?:connect: |lookup [^\n]{0,120}: |i/o timeout|no such host)"
    r"|\bECONNREFUSED\b|\bENOTFOUND\b|\bETIMEDOUT\b|\bgetaddrinfo\b"
)
"""Why the service could not look up the key: it did not reach its own database."""


def is_unverified(run: Run, text: ErrorText, match: re.Match[str]) -> bool:
    """Return True if nothing shows that the credentials are wrong: they had been accepted, or could not be checked."""
    return is_after_login(run, text, match) or _NOT_CHECKED.search(text.text, match.end()) is not None


def is_after_login(_run: Run, text: ErrorText, _match: re.Match[str]) -> bool:
    """Return True if a statement was executed, so that the credentials had been accepted before."""
    if _ON_SQL.search(text.text):
        return True
    return _EXECUTES.search(text.traceback) is not None and _LOGS_IN.search(text.traceback) is None

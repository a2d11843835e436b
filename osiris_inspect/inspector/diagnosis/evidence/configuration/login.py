"""Phase in which a database refused access: the login, or a statement after it."""

import re

from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex

_EXECUTES = LazyRegex(r"\bcursors?\.py\", line \d{1,6}, in (?:execute|query|_query)\b")
_LOGS_IN = LazyRegex(r", in (?:_request_authentication|connect|_connect|_open_connection)\n")
_ON_SQL = LazyRegex(r"\bExecution failed on sql '")


def is_after_login(_run: Run, text: ErrorText, _match: re.Match[str]) -> bool:
    """Return True if a statement was executed, so that the credentials had been accepted before."""
    if _ON_SQL.search(text.text):
        return True
    return _EXECUTES.search(text.traceback) is not None and _LOGS_IN.search(text.traceback) is None

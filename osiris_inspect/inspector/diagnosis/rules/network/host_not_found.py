"""A host name could not be resolved.

What it finds:
    An error of name resolution.

Why it matters:
    Without an address there is no connection. A sandbox may use another DNS server than the host.

How to fix:
    Correct the host name in the connection, or make it resolvable where the step runs.

Example:
    `[Errno -2] Name or service not known`
"""

import re

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex

REFINES = ("connection-refused", "connection-failed", "connection-lost")
_OF_PROXY = LazyRegex(r"\bProxyError\(|\b(?:ProxyError|ClientProxyConnectionError): ")
_OF_PROJECT = LazyRegex(r"\bsupabase\.(?:co|com|in)\b")


def _fix(_run: Run, text: ErrorText, _match: re.Match[str]) -> str:
    if _OF_PROXY.search(text.text):
        return "correct the host of the proxy in HTTPS_PROXY where the step runs; its name was not found"
    check = "check the spelling of the host name and the DNS where the step ran"
    if _OF_PROJECT.search(text.text):
        return f"{check}; if the project is paused, restore it in its dashboard"
    return check


PATTERNS = (
    ErrorPattern(
        pattern=(
            r"(?i:name or service not known)"
            r"|(?i:nodename nor servname provided)"
            r"|(?i:temporary failure in name resolution)"
            r"|(?i:could not translate host name)"
            r"|(?i:no A records found|unknown (?:mysql )?server host|no such host is known|could not resolve host)[^\n]{0,80}"
            r"|(?i:getaddrinfo failed)"
            r"|(?i:no address associated with hostname)"
            r"|\b(?:NameResolutionError|gaierror)\b[^\n]{0,120}"
            r"|(?i:ipv[46] resolution failed)[^\n]{0,80}"
        ),
        message="the host name could not be resolved",
        fix=_fix,
        domain="infra",
        search_text_logs=True,
    ),
)

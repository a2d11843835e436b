"""An encrypted connection could not be established.

What it finds:
    A TLS error: an untrusted certificate, or two ends that do not agree on encryption.

Why it matters:
    No data was exchanged. A sandbox may lack certificates that the host has.

How to fix:
    Install the certificate where the step runs, or correct the TLS settings of the connection. Do not disable
    verification.

Example:
    `certificate verify failed: unable to get local issuer certificate`
"""

import re

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText
from osiris_inspect.inspector.run.run import Run

REFINES = ("connection-refused", "connection-lost", "connection-failed", "query-failed")


def _fix(_run: Run, text: ErrorText, _match: re.Match[str]) -> str:
    words = text.text.lower()
    if "does not support ssl" in words:
        return "enable TLS on the server, or use an address or port that offers it; the client requires TLS"
    if "wrong_version_number" in words:
        return "check scheme and port of the address: the port answers without TLS"
    if "ssl connection is required" in words or "insecure transport" in words or "sslmode" in words:
        return "set the TLS mode of the connection to one that the server accepts"
    if "expired" in words:
        return "renew the expired certificate of the server; do not disable verification"
    return "install the certificate where the step runs or correct the TLS settings of the connection"


PATTERNS = (
    ErrorPattern(
        pattern=(
            r"(?i:certificate verify failed)[^\n]{0,100}|root certificate file [^\n]{1,200} does not exist"
            r"|\bSSL(?:Error|CertVerificationError)\b(?!\(?[^\n]{0,40}(?:EOF|unexpected eof))[^\n]{0,100}"
            r"|(?i:ssl error:?) [^\n]{1,100}"
            r"|\bsslmode\b[^\n]{1,80}(?:invalid|required|not supported)"
            r"|(?i:tls handshake)[^\n]{0,80}"
            r"|\[SSL: (?!UNEXPECTED_EOF)[A-Z0-9_]{1,60}\][^\n]{0,80}"
            r"|(?i:SSL connection (?:is required|error))(?![^\n]{0,60}SYSCALL)[^\n]{0,80}"
            r"|(?i:server does not support SSL|insecure transport are prohibited)[^\n]{0,60}"
        ),
        message="the encrypted connection could not be established",
        fix=_fix,
        domain="infra",
        error_class="encryption",
    ),
)

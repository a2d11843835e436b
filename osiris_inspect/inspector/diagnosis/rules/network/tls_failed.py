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


_FIXES = (
    ("does not support ssl", "enable TLS on the server, or use an address or port that offers it; the client requires TLS"),
    ("wrong_version_number", "check scheme and port of the address: the port answers without TLS"),
    ("ssl connection is required|insecure transport|sslmode", "set the TLS mode of the connection to one that the server accepts"),
    (
        "hostname mismatch|doesn't match|not valid for",
        "use a host name that the certificate of the server contains; do not disable verification",
    ),
    ("not yet valid", "check the clock of the machine where the step ran, then the certificate of the server"),
    ("protocol[_ ]version|unsupported[_ ]protocol", "use a version of TLS that the client and the server both support"),
    (
        "certificate[_ ]required",
        "set the certificate and the key of the client in the connection; the server requires them",
    ),
    ("expired", "renew the expired certificate of the server; do not disable verification"),
)  # fmt: skip
"""Words of a TLS error and the remedy; the first that occur count."""


def _fix(_run: Run, text: ErrorText, _match: re.Match[str]) -> str:
    words = text.text.lower()
    other = "install the certificate where the step runs or correct the TLS settings of the connection"
    return next((fix for pattern, fix in _FIXES if re.search(pattern, words)), other)


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

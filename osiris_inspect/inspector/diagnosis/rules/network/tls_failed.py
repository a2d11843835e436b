"""An encrypted connection could not be established.

What it finds:
    A TLS error: an untrusted certificate, or two ends that do not agree on encryption.

Why it matters:
    No data was exchanged. A sandbox may lack certificates that the host has.

How to fix:
    If the error names a certificate, install it where the step runs. Otherwise let both ends use the same versions,
    ciphers and key lengths. Do not disable verification.

Example:
    `certificate verify failed: unable to get local issuer certificate`
"""

import re

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText
from osiris_inspect.inspector.run.run import Run

REFINES = ("connection-refused", "connection-lost", "connection-failed", "query-failed")


_FIXES = (
    (
        "does not support ssl",
        "enable TLS on the server, or use an address or port that offers it; the client requires TLS",
    ),
    (
        r"proxyerror\([^\n]{0,300}wrong[_ ]version[_ ]number|your proxy appears to only use http",
        "write the address of the proxy with http:// in HTTPS_PROXY where the step runs; the proxy itself does not offer TLS",
    ),
    (
        "wrong[_ ]version[_ ]number|ssl: http_request|unknown[_ ]protocol|packet[_ ]length[_ ]too[_ ]long|record layer failure",
        "check scheme and port of the address: the port answers without TLS",
    ),
    (
        "ssl connection is required|insecure transport|sslmode",
        "set the TLS mode of the connection to one that the server accepts",
    ),
    (
        "legacy[_ ]renegotiation",
        "upgrade the server or the proxy, which renegotiates TLS in the old, unsafe way; until then, allow it for this "
        "connection only (OP_LEGACY_SERVER_CONNECT)",
    ),
    (
        "(?:dh|ee|ca)[_ ]key[_ ]too[_ ]small|modulus[_ ]too[_ ]small|bad[_ ]dh|(?:ca|ee)[_ ]md[_ ]too[_ ]weak|certificate key too weak|insecure algorithm",
        "upgrade the server, whose key or signature is weaker than the client allows (keys of 2048 bits or more); until then, "
        "lower the security level for this connection only (DEFAULT@SECLEVEL=1)",
    ),
    (
        "unrecognized[_ ]name|hostname mismatch|doesn't match|not valid for",
        "use a host name that the certificate of the server contains; do not disable verification",
    ),
    (
        "not yet valid",
        "check the clock of the machine where the step ran, then the certificate of the server",
    ),
    (
        "protocol[_ ]version|unsupported[_ ](?:ssl )?protocol|wrong[_ ]ssl[_ ]version|no[_ ]protocols[_ ]available",
        "use a version of TLS that the client and the server both support",
    ),
    (
        "certificate[_ ](?:required|unknown)|bad[_ ]certificate|alert[_ ]unknown[_ ]ca|does not return a certificate",
        "set the certificate and the key of the client in the connection; the server requires them",
    ),
    ("expired", "renew the expired certificate of the server; do not disable verification"),
    (
        "certifica|self[- ]signed|issuer|x509|no[_ ]start[_ ]line|certverification",
        "install the certificate where the step runs or correct the TLS settings of the connection",
    ),
    (
        "handshake[_ ]failure|cipher",
        "use a version of TLS and a cipher that the client and the server both support; an old server needs an update",
    ),
    (
        r"\beof\b|unexpected_eof|reset|closed",
        "check that the port offers TLS, and that no proxy or firewall ends the handshake; the log of the server names its reason",
    ),
)
"""Words of a TLS error and the remedy; the first that occur count."""
_OTHER = "check that client and server share a version of TLS and a cipher, and that the port of the address offers TLS"


def _fix(_run: Run, text: ErrorText, _match: re.Match[str]) -> str:
    words = "\n".join((text.text, *text.causes)).lower()
    return next((fix for pattern, fix in _FIXES if re.search(pattern, words)), _OTHER)


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

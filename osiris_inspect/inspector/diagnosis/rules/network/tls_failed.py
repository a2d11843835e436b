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

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

PATTERNS = (
    ErrorPattern(
        pattern=(
            r"(?i:certificate verify failed)[^\n]{0,100}"
            r"|\bSSL(?:Error|CertVerificationError|EOFError)\b[^\n]{0,100}"
            r"|(?i:ssl error:?) [^\n]{1,100}"
            r"|\bsslmode\b[^\n]{1,80}(?:invalid|required|not supported)"
            r"|(?i:tls handshake)[^\n]{0,80}"
            r"|\[SSL: [A-Z0-9_]{1,60}\][^\n]{0,80}"
            r"|(?i:SSL connection (?:is required|error))[^\n]{0,80}"
            r"|(?i:server does not support SSL|insecure transport are prohibited)[^\n]{0,60}"
        ),
        message="the encrypted connection could not be established",
        fix="install the certificate where the step runs or correct the TLS settings of the connection",
        domain="infra",
        error_class="encryption",
    ),
)

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

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

IS_GENERAL = True
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"\b413\b[^\n]{0,20}(?:Request Entity|Payload|Content) Too Large[^\n]{0,120}"
            r"|(?i:got a packet bigger than)[^\n]{0,80}"
        ),
        message="the request was too large for the server",
        fix="write smaller batches",
        domain="config",
        error_class="too large",
    ),
    ErrorPattern(
        pattern=(
            r"\b4(?:00|02|05|06|09|10|11|12|14|15|16|17|22|23|24|28|31) Client Error[^\n]{0,160}"
            r"|\bClient error '4(?:00|02|05|06|09|10|11|12|14|15|16|17|22|23|24|28|31)\b[^\n]{0,160}"
        ),
        message="the service rejected the request as invalid",
        fix="correct the query, body or headers that the step sends",
        domain="config",
    ),
)

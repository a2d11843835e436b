"""A service took a request for wrong.

What it finds:
    An answer of a web service with a status of 400 to 499 that speaks neither of rights, of an address nor of a rate.

Why it matters:
    A repeat of the same request gives the same answer.

How to fix:
    The status tells what is wrong: 400 and 422 the content, 405 the method, 409 a conflict, 413 the size.

Example:
    `400 Client Error: Bad Request for url: https://api.example.org/graphql`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

RANK = 53
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"\b413\b[^\n]{0,20}(?:Request Entity|Payload|Content) Too Large[^\n]{0,120}"
            r"|(?i:got a packet bigger than)[^\n]{0,80}"
        ),
        message="the request is too large for the server",
        fix="write smaller batches",
        domain="config",
        error_class="too large",
    ),
    ErrorPattern(
        pattern=(
            r"\b4(?:00|02|05|06|09|10|11|12|14|15|16|17|22|23|24|28|31) Client Error[^\n]{0,160}"
            r"|\bClient error '4(?:00|02|05|06|09|10|11|12|14|15|16|17|22|23|24|28|31)\b[^\n]{0,160}"
        ),
        message="the service takes the request for wrong",
        fix="correct what the step sends: its query, its body or its headers",
        domain="config",
    ),
)

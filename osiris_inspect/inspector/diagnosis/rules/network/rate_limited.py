"""A service asked to slow down.

What it finds:
    An answer with status 429, or an error that names a rate limit.

Why it matters:
    A repeat at once makes it worse.

How to fix:
    Slow down, or ask for a higher limit.

Example:
    `429 Too Many Requests`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

RANK = 44
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"(?i:\btoo many requests\b)"
            r"|(?i:rate limit(?:ed| exceeded))|\bRateLimitException\b"
        ),
        message="the service limits the rate of requests",
        fix="wait and repeat, or make the batches larger and fewer",
        domain="infra",
        search_text_logs=True,
    ),
)

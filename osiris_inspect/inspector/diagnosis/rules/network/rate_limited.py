"""A service rejected requests because of its rate limit.

What it finds:
    A response with status 429, or an error that names a rate limit.

Why it matters:
    An immediate retry makes it worse.

How to fix:
    Send fewer requests, or request a higher limit.

Example:
    `429 Too Many Requests`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

PATTERNS = (
    ErrorPattern(
        pattern=(
            r"(?i:\btoo many requests\b)"
            r"|(?i:rate limit(?:ed| exceeded))|\bRateLimitException\b"
        ),
        message="the service rejected requests because of its rate limit",
        fix="run again later or send fewer, larger batches",
        domain="infra",
        search_text_logs=True,
    ),
)

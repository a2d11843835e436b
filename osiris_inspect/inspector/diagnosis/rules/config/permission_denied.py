"""A server or the file system denied access.

What it finds:
    An error in which an authenticated user lacks a permission.

Why it matters:
    The credentials are valid and the permissions are not: a retry does not help.

How to fix:
    Grant the permission that the message names, or write to a location that the step may access.

Example:
    `(1142, "INSERT command denied to user 'reader'@'localhost' for table 'stats'")`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

PATTERNS = (
    ErrorPattern(
        pattern=(
            r"\b\w+ command denied to user[^\n]{0,100}"
            r"|permission denied for (?:table|schema|relation|database|sequence|function|view) [^\s]{0,80}"
            r"|must be owner of [^\n]{1,80}"
            r"|\[Errno 13\] Permission denied:? ?'?[^'\n]{0,160}"
            r"|\bPermissionError\b[^\n]{0,160}"
            r"|\b403\b[^\n]{0,20}\b[Ff]orbidden\b|(?i:access forbidden)[^\n]{0,40}"
            r"|\(HTTP 403\)"
            r"|(?i:(?:insufficient|lacks?|without) (?:the )?(?:privileges?|permissions?|rights?))[^\n]{0,80}"
            r"|Access denied for user [^\n]{1,120} to database [^\n]{1,80}"
            r"|Access denied; you need [^\n]{1,120}"
            r"|violates row-level security policy[^\n]{0,80}"
        ),
        message="access was denied",
        fix="grant the missing permission or use an account that has it",
        domain="config",
        search_text_logs=True,
        error_class="rights",
    ),
)

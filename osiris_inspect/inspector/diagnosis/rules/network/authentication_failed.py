"""A database or service rejected the credentials.

What it finds:
    An error in which a server reports a wrong user, password or key.

Why it matters:
    Downstream steps cannot work either, and retries only lock the account.

How to fix:
    Correct the connection or the environment variable it reads. A password with `@`, `:` or `/` must be
    escaped in a URL.

Example:
    `(1045, "Access denied for user 'reader'@'localhost' (using password: YES)")`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

PATTERNS = (
    ErrorPattern(
        pattern=(
            r"(?P<who>Access denied for user '[^']{0,80}'@'[^']{0,80}')(?! to database)"
            r"|password authentication failed for user \"?[^\"\s]{0,80}"
            r"|FATAL: {1,4}role \"[^\"\n]{1,80}\" does not exist"
            r"|(?i:authentication failed)"
            r"|\b401\b[^\n]{0,20}\bUnauthorized\b"
            r"|(?i:\bunauthenticated\b|must be authenticated)"
            r"|(?i:invalid api key)"
        ),
        message="the credentials were rejected",
        fix="check the user and password of the connection and the environment variable that it reads",
        domain="config",
        search_text_logs=True,
        error_class="credentials",
    ),
    ErrorPattern(
        pattern=r"\b(?:JWT (?:expired|invalid)|JWSError|invalid JWT)\b[^\n]{0,60}",
        message="the service rejected the key or token",
        fix="renew the key or token of the connection and check that it belongs to this project",
        domain="config",
        search_text_logs=True,
        error_class="token",
    ),
    ErrorPattern(
        pattern=r"(?i:tenant or user not found)",
        message="the connection pooler did not find the project or user",
        fix="use postgres.<project> as user and the pooler host of the project's region",
        domain="config",
        search_text_logs=True,
    ),
)

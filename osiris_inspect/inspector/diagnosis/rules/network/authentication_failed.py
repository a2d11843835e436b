"""A database or service refused the credentials.

What it finds:
    An error in which a server says that user, password or key are wrong.

Why it matters:
    Nothing downstream can work, and a retry only locks the account.

How to fix:
    Correct the connection or the environment variable it reads. A password with `@`, `:` or `/` must be
    escaped where it goes into a URL.

Example:
    `(1045, "Access denied for user 'reader'@'localhost' (using password: YES)")`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

RANK = 40
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
        message="the credentials were refused",
        fix="check user and password of the connection, and that the environment variable it reads holds the current one",
        domain="config",
        search_text_logs=True,
        error_class="credentials",
    ),
    ErrorPattern(
        pattern=r"\b(?:JWT (?:expired|invalid)|JWSError|invalid JWT)\b[^\n]{0,60}",
        message="the service refused the key or the token",
        fix="renew the key or the token of the connection, and see that it belongs to this project",
        domain="config",
        search_text_logs=True,
        error_class="token",
    ),
    ErrorPattern(
        pattern=r"(?i:tenant or user not found)",
        message="the pooler knows no such project or user",
        fix="behind the pooler of Supabase the user is postgres.<project>, and the host that of the project's region",
        domain="config",
        search_text_logs=True,
    ),
)

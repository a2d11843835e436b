"""A connection that was there broke off.

What it finds:
    An error in which a server, a proxy or something between them ended a connection before it had answered.

Why it matters:
    What had been sent may have been taken: the target can be half new. The address and the credentials are mostly right.

How to fix:
    Look in the log of the server at that minute: a restart, a limit of time or of memory, a proxy. Then repeat.

Example:
    `server closed the connection unexpectedly`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

RANK = 44
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"(?i:server closed the connection unexpectedly)"
            r"|(?i:SSL connection has been closed unexpectedly|SSL SYSCALL error: EOF detected)"
            r"|(?i:terminating connection due to )[^\n]{1,80}"
            r"|(?i:connection (?:reset|aborted|closed) by|server disconnected without)[^\n]{0,80}"
            r"|\bConnectionResetError\b[^\n]{0,80}|\bBrokenPipeError\b[^\n]{0,80}"
            r"|\bRemoteDisconnected\b[^\n]{0,80}|(?i:remote end closed connection)[^\n]{0,60}"
            r"|(?i:peer closed connection without sending)[^\n]{0,80}"
            r"|\bIncompleteRead\([^\n]{0,80}|Connection broken: [^\n]{1,80}"
        ),
        message="the connection broke off",
        fix="look in the log of the server at that minute, then repeat; a part of the work may have been done",
        domain="infra",
        search_text_logs=True,
    ),
)

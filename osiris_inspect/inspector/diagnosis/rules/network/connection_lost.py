"""An established connection was closed.

What it finds:
    An error in which a server, a proxy or a network device closed a connection before the response.

Why it matters:
    The server may have processed the data already, so the target can be partly updated. The address and the
    credentials are usually correct.

How to fix:
    Check the server log at that time: a restart, a time or memory limit, a proxy. Then run again.

Example:
    `server closed the connection unexpectedly`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

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
        message="the connection was closed before the server responded",
        fix="check the server log at that time, then run again; some work may have been done",
        domain="infra",
        search_text_logs=True,
    ),
)

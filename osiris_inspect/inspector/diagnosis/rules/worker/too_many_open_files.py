"""A process reached its limit of open files.

What it finds:
    An error in which a file or a connection could not be opened because too many were open.

Why it matters:
    The step fails again as long as it opens as many files and the limit is the same.

How to fix:
    Close files and connections that are no longer needed, or raise the limit (`ulimit -n`).

Example:
    `[Errno 24] Too many open files`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

EXPLAINS = ("worker-killed", "sandbox-lost")
PATTERNS = (
    ErrorPattern(
        pattern=r"(?i:too many open files|file table overflow)|\b(?:EMFILE|ENFILE)\b",
        message="too many files or connections were open",
        fix="close files and connections that are no longer needed, or raise the limit of open files (ulimit -n)",
        domain="infra",
        search_text_logs=True,
    ),
)

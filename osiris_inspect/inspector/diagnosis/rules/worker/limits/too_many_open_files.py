"""A process or the system reached its limit of open files.

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
        pattern=r"(?i:too many open files in system|file table overflow)|\bENFILE\b",
        message="the whole system had too many open files",
        fix="find the process that opens so many (lsof), or raise the limit of the system (sysctl fs.file-max)",
        domain="infra",
        search_text_logs=True,
    ),
    ErrorPattern(
        pattern=r"file ?descriptor out of range in select\(\)",
        message="the number of an open file or connection was above the 1023 that select() can watch",
        fix="close files and connections that are no longer needed, or use poll() or epoll, such as the module selectors; a "
        "higher limit of open files does not help",
        domain="infra",
    ),
    ErrorPattern(
        pattern=r"(?i:too many open files(?! in system))|\bEMFILE\b",
        message="too many files or connections were open",
        fix="close files and connections that are no longer needed, or raise the limit of open files (ulimit -n)",
        domain="infra",
        search_text_logs=True,
    ),
)

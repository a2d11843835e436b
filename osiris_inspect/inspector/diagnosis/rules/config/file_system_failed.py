"""The operating system could not read or write a file.

What it finds:
    Errors of a disk, a network share or a mount, loops of symbolic links, and files that are in use.

Why it matters:
    The path and the rights are correct: the step fails where the same step worked before.

How to fix:
    Check the disk or the share, and keep files that a run needs on a local disk.

Example:
    `[Errno 116] Stale file handle`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

EXPLAINS = ("file-missing", "driver-raised")
PATTERNS = (
    ErrorPattern(
        pattern=r"\[Errno 116\][^\n]{0,160}|(?i:stale (?:NFS )?file handle)",
        message="the file on a network share was replaced or removed while it was open",
        fix="mount the share again or run again, and keep the artifacts of runs on a local disk",
        domain="infra",
    ),
    ErrorPattern(
        pattern=(
            r"\[Errno (?:5|6|19|121|123)\][^\n]{0,160}|(?i:(?<!\w)input/output error|remote I/O error)[^\n]{0,80}"
            r"|Transport endpoint is not connected: [^\n]{1,120}"
            r"|\[Errno (?:110|112|113)\] [^\n:]{1,60}: ['\"]/[^\n]{1,120}"
        ),
        message="the disk or the mounted file system failed",
        fix="check the disk or the mount of this path in the log of the system, then run again",
        domain="infra",
    ),
    ErrorPattern(
        pattern=r"\[Errno 40\][^\n]{0,160}|(?i:too many levels of symbolic links)[^\n]{0,160}|\bELOOP\b[^\n]{0,120}",
        message="the path leads through symbolic links that refer to each other",
        fix="correct the target of the link that the path leads through (readlink -f shows it), or name the file itself",
        domain="config",
    ),
    ErrorPattern(
        pattern=r"\[Errno 27\][^\n]{0,160}",
        message="the file exceeds the size that the file system or a limit allows",
        fix="write to another file system, raise the limit (ulimit -f), or write in parts",
        domain="infra",
    ),
    ErrorPattern(
        pattern=r"\[Errno (?:16|26)\][^\n]{0,160}|\[WinError 32\][^\n]{0,160}",
        message="the file was in use by another process",
        fix="end the process that uses the file, or use a file of its own for each run",
        domain="infra",
    ),
)

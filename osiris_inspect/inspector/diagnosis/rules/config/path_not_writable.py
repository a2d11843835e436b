"""The target path of a step is not writable.

What it finds:
    An error in which a target file could not be created.

Why it matters:
    The result of the run was not written.

How to fix:
    Create the directory or use another one.

Example:
    `Cannot save file into a non-existent directory: 'out'`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

PATTERNS = (
    ErrorPattern(
        pattern=(
            r"\[Errno 30\] Read-only file system[^\n]{0,160}"
            r"|Cannot save file into a non-existent directory[^\n]{0,160}"
            r"|\[Errno (?:17|20|36|40)\] (?:File exists|Not a directory|File name too long|Too many levels)[^\n]{0,160}"
        ),
        message="the target could not be written",
        fix="use an existing, writable directory",
        domain="config",
    ),
)

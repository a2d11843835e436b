"""A step received a directory instead of a file.

What it finds:
    An error in which a directory was opened as a file.

Why it matters:
    Nothing was read.

How to fix:
    Add the file name to the path.

Example:
    `Path is not a file: /srv/data`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Path is not a file: (?P<file>[^\n]{1,200})"
            r"|\[Errno 21\] Is a directory[^\n]{0,200}"
            r"|: (?:it )?is a (?:folder|directory)\b"
            r"|is a (?:folder|directory), not (?:a|an) [^\n]{0,60}"
        ),
        message="the path was a directory, not a file",
        fix="add the file name to the path",
        domain="config",
    ),
)

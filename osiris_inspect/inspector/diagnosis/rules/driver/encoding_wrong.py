"""A file was read with the wrong encoding.

What it finds:
    An error while bytes were decoded to text.

Why it matters:
    The step stops at the first invalid byte; another reader might return wrong characters instead.

How to fix:
    Set the right encoding in the configuration of the step.

Example:
    `'utf-8' codec can't decode byte 0xe9 in position 12`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

PATTERNS = (
    ErrorPattern(
        pattern=r"CSV encoding error[^\n]{0,120}|codec can't decode [^\n]{1,160}|unknown encoding: [^\n]{1,60}",
        message="the file was read with the wrong encoding",
        fix="set the file's encoding in the step, often latin-1 or cp1252",
        domain="data",
    ),
    ErrorPattern(
        pattern=r"codec can't encode [^\n]{1,160}",
        message="a character could not be written in the target encoding",
        fix="write as utf-8",
        domain="config",
    ),
)

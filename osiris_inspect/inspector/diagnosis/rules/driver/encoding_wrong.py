"""A file is not in the encoding it was read as.

What it finds:
    An error while bytes were decoded to text.

Why it matters:
    The step stops at the first such byte, or worse, another reader would have garbled it.

How to fix:
    Name the right encoding in the configuration of the step.

Example:
    `'utf-8' codec can't decode byte 0xe9 in position 12`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

RANK = 45
PATTERNS = (
    ErrorPattern(
        pattern=r"CSV encoding error[^\n]{0,120}|codec can't decode [^\n]{1,160}|unknown encoding: [^\n]{1,60}",
        message="the file is not in the encoding it was read as",
        fix="set the encoding of the file, often latin-1 or cp1252",
        domain="data",
    ),
    ErrorPattern(
        pattern=r"codec can't encode [^\n]{1,160}",
        message="the encoding that is written to has no such character",
        fix="write as utf-8",
        domain="config",
    ),
)

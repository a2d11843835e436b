"""A driver tried to end the whole process.

What it finds:
    A step that failed because its driver called `sys.exit`.

Why it matters:
    A driver is a guest in the worker: it may fail its own step, and must not take the other steps with it.

How to fix:
    Let the driver raise an error that says what is wrong.

Example:
    `the driver called sys.exit(3)`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

RANK = 47
PATTERNS = (
    ErrorPattern(
        pattern=r"the driver called sys\.exit\((?P<code>[^)\n]{0,60})\)|\bSystemExit\b",
        message="the driver tried to end the worker",
        fix="let the driver raise an error in place of calling sys.exit",
        domain="code",
    ),
)

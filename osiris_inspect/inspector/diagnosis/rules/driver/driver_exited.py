"""A driver tried to exit the worker process.

What it finds:
    A step that failed because its driver called `sys.exit`.

Why it matters:
    A driver shares the worker process with other steps and must fail only its own step.

How to fix:
    Raise an exception that names the cause instead.

Example:
    `the driver called sys.exit(3)`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

PATTERNS = (
    ErrorPattern(
        pattern=r"the driver called sys\.exit\((?P<code>[^)\n]{0,60})\)|\bSystemExit\b",
        message="the driver tried to exit the worker process",
        fix="raise an exception in the driver instead of calling sys.exit",
        domain="code",
    ),
)

"""A pipeline parameter has no value.

What it finds:
    A compile error about a parameter.

Why it matters:
    The pipeline cannot be compiled without it.

How to fix:
    Pass a value, or add a default to the pipeline.

Example:
    `Unresolved parameters: ['params.table']`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Unresolved parameters?: (?P<what>[^\n]{1,160})"
            r"|parameter '(?P<p>[^'\n]{1,80})' has no value"
        ),
        message="a parameter had no value",
        fix="set it with --param, a profile, the environment or a default",
        domain="config",
    ),
)

"""A pipeline names a component that does not exist.

What it finds:
    A compile error that names a component without a driver.

Why it matters:
    The pipeline cannot be compiled, so nothing ran.

How to fix:
    Correct the spelling, or use a version that has the component.

Example:
    `Components missing runtime drivers: a (component: unknown)`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

RANK = 40
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Components missing runtime drivers: (?P<what>[^\n]{1,160})"
            r"|[Uu]nknown component '?(?P<c>[\w.\-]{1,80})'?"
            r"|Component '?[\w.\-]{1,80}'? not found"
            r"|no driver (?:is )?(?:named|called) '(?P<d>[^'\n]{1,80})'"
        ),
        message="a component of the pipeline does not exist or cannot be run",
        fix="correct the name of the component, or install what provides it",
        domain="config",
    ),
)

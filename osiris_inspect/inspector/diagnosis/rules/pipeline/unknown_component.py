"""A pipeline names a component that does not exist.

What it finds:
    A compile error that names a component without a driver.

Why it matters:
    The pipeline cannot be compiled, so nothing ran.

How to fix:
    Correct the spelling, or use a version that contains the component.

Example:
    `Components missing runtime drivers: a (component: unknown)`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Components missing runtime drivers: (?P<what>[^\n]{1,160})"
            r"|[Uu]nknown component '?(?P<c>[\w.\-]{1,80})'?"
            r"|Component '?[\w.\-]{1,80}'? not found"
            r"|no driver (?:is )?(?:named|called) '(?P<d>[^'\n]{1,80})'"
        ),
        message="a component of the pipeline did not exist or had no driver",
        fix="correct the component name or install the package that provides it",
        domain="config",
    ),
)

"""No driver with the requested name is registered.

What it finds:
    A step whose driver the worker does not know.

Why it matters:
    The step produced nothing; the original continued with later steps.

How to fix:
    Correct the name; for a sandbox, check whether the driver was denied or failed to import.

Example:
    `Driver 'postgres.extractor' not registered. Available drivers: duckdb.processor, mysql.extractor`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Driver '(?P<driver>[^'\n]{1,80})' not registered[^\n]{0,160}"
            r"|Driver not found: (?P<d2>[\w.\-]{1,80})"
            r"|no driver '(?P<d3>[^'\n]{1,80})'"
        ),
        message="the driver was not available where the step ran",
        fix="correct the component name or install the driver where the step runs",
        domain="config",
    ),
)

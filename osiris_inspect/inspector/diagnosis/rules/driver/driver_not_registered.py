"""No driver of the name a step asks for.

What it finds:
    A step whose driver is not known to the worker.

Why it matters:
    The step gave nothing; later steps of the original ran all the same.

How to fix:
    Correct the name; for a sandbox see whether the driver was denied or failed to import.

Example:
    `Driver 'postgres.extractor' not registered. Available drivers: duckdb.processor, mysql.extractor`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

RANK = 40
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Driver '(?P<driver>[^'\n]{1,80})' not registered[^\n]{0,160}"
            r"|Driver not found: (?P<d2>[\w.\-]{1,80})"
            r"|no driver '(?P<d3>[^'\n]{1,80})'"
        ),
        message="there is no driver of that name where the step ran",
        fix="correct the component, or install the driver where the step runs",
        domain="config",
    ),
)

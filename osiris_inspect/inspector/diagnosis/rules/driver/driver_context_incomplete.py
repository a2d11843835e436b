"""A driver expects a context method that the worker does not provide.

What it finds:
    An error in which a driver and the worker disagree about their interface.

Why it matters:
    Every step with that driver fails, regardless of the data.

How to fix:
    Use a released version; report the error to the author of the driver.

Example:
    `Context must provide get_db_connection() method`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Context must provide [^\n]{1,100}"
            r"|'(?:SimpleContext|RunnerContext|\w*Context)' object has no attribute '[^'\n]{1,80}'"
            r"|\d+ validation errors? for \w*(?:Message|Command|Context)\b[^\n]{0,60}"
            r"|_ddl_attempt\(\) takes 1 positional argument but \d+ were given[^\n]{0,40}"
            r"|run\(\) (?:got an unexpected keyword argument|missing \d+ required)[^\n]{0,100}"
        ),
        message="the driver and the worker were incompatible",
        fix="use the same version of driver and worker",
        domain="code",
    ),
)

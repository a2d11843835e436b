"""A driver expects something of its context that the worker does not give.

What it finds:
    An error in which a driver and the program around it disagree about their interface.

Why it matters:
    Every step of that driver fails, whatever the data.

How to fix:
    Use a released version; report it to the author of the driver.

Example:
    `Context must provide get_db_connection() method`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

RANK = 40
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Context must provide [^\n]{1,100}"
            r"|'(?:SimpleContext|RunnerContext|\w*Context)' object has no attribute '[^'\n]{1,80}'"
            r"|\d+ validation errors? for \w*(?:Message|Command|Context)\b[^\n]{0,60}"
            r"|_ddl_attempt\(\) takes 1 positional argument but \d+ were given[^\n]{0,40}"
            r"|run\(\) (?:got an unexpected keyword argument|missing \d+ required)[^\n]{0,100}"
        ),
        message="driver and worker do not fit together",
        fix="use driver and worker of the same version",
        domain="code",
    ),
)

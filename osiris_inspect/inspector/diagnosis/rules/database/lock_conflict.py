"""Another transaction held a lock that a step needed.

What it finds:
    An error about a lock timeout or a deadlock.

Why it matters:
    The data is not the cause, and running again usually works. The transaction was rolled back.

How to fix:
    Run again; write in smaller batches, and not while another job writes the same table.

Example:
    `(1213, 'Deadlock found when trying to get lock')`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

PATTERNS = (
    ErrorPattern(
        pattern=(
            r"(?i:lock wait timeout exceeded)[^\n]{0,60}"
            r"|(?i:deadlock (?:found|detected))[^\n]{0,60}"
            r"|(?i:could not obtain lock)[^\n]{0,80}"
            r"|(?i:database is locked)"
            r"|(?i:could not serialize access)[^\n]{0,80}"
        ),
        message="another transaction held a lock that the step needed",
        fix="run again while no other job writes the table",
        domain="infra",
        error_class="lock",
    ),
)

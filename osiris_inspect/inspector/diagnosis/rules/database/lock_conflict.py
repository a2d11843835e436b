"""Another transaction held what a step needed.

What it finds:
    An error of a lock that was not given in time, or of two transactions that waited for each other.

Why it matters:
    The data is not at fault, and a repeat mostly works. Nothing of the transaction was kept.

How to fix:
    Repeat; write in smaller batches, and not while another job writes the same table.

Example:
    `(1213, 'Deadlock found when trying to get lock')`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

RANK = 44
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"(?i:lock wait timeout exceeded)[^\n]{0,60}"
            r"|(?i:deadlock (?:found|detected))[^\n]{0,60}"
            r"|(?i:could not obtain lock)[^\n]{0,80}"
            r"|(?i:database is locked)"
            r"|(?i:could not serialize access)[^\n]{0,80}"
        ),
        message="another transaction held what the step needed",
        fix="repeat; avoid that two jobs write one table at a time",
        domain="infra",
        error_class="lock",
    ),
)

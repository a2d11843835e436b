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

REFINES = ("query-failed", "database-file-unusable", "write-failed")
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Could not set lock on file (?P<held>\"(?:[^\"\n]{1,200})\"(?!: (?:(?:Operation n|N)ot supported|No locks|Function not|Invalid arg|Input/output|Stale))[^\n]{0,120})"
            r"|Cannot open file [^\n]{1,200}(?:being used by another process|already open in)[^\n]{0,100}"
            r"|(?i:database file is already open|already open in another process)[^\n]{0,80}"
        ),
        message="another process had the database file open",
        fix="end the other process, open the file read-only in both, or use a separate file for each run",
        domain="infra",
    ),
    ErrorPattern(
        pattern=(
            r"(?i:could not serialize access)[^\n]{0,80}|Serializable isolation violation on table[^\n]{0,80}"
            r"|canceling statement due to conflict with recovery[^\n]{0,60}"
        ),
        message="the statement conflicted with changes that another transaction made",
        fix="run again; if a replica cancelled the query, connect to the primary server",
        domain="infra",
        error_class="serialization",
    ),
    ErrorPattern(
        pattern=(
            r"(?i:lock wait timeout exceeded)[^\n]{0,60}"
            r"|(?i:deadlock (?:found when|detected))[^\n]{0,60}"
            r"|(?i:could not obtain lock)[^\n]{0,80}|canceling statement due to lock timeout"
            r"|(?i:database (?:table )?is locked)(?! \w)"
            r"|\bORA-00054\b[^\n]{0,100}|ORA-00060\b[^\n]{0,80}|(?i:lock request time out period exceeded|was deadlocked on lock)[^\n]{0,80}"
            r"|is being accessed by other users"
            r"|TransactionContext Error: [^\n]{0,60}(?i:conflict)[^\n]{0,100}"
        ),
        message="another transaction held a lock that the step needed",
        fix="run again while no other job writes the table",
        domain="infra",
        error_class="lock",
    ),
)

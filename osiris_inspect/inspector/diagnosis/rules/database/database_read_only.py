"""A database takes no writes.

What it finds:
    An error in which a server, or a transaction, refuses to write because it is set to read only.

Why it matters:
    Nothing was written, and no right that is granted changes it: mostly the step was connected to a replica.

How to fix:
    Connect to the primary server; or switch off the setting, where it was left behind by maintenance or a full disk.

Example:
    `cannot execute INSERT in a read-only transaction`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

RANK = 43
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"cannot execute [A-Z ]{1,40} in a read-only transaction"
            r"|running with the --(?:super-)?read-only option[^\n]{0,80}"
            r"|(?i:database is (?:in read-only mode|read-only))|attached in read-only mode"
        ),
        message="the database takes no writes",
        fix="connect to the primary server, or end its read-only mode",
        domain="config",
        error_class="read-only",
    ),
)

"""A database rejects writes.

What it finds:
    An error in which a read-only server or transaction rejects a write.

Why it matters:
    Nothing was written, and granting permissions does not help: the step is usually connected to a replica.

How to fix:
    Connect to the primary server, or disable the setting if maintenance or a full disk left it on.

Example:
    `cannot execute INSERT in a read-only transaction`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

REFINES = ("query-failed", "permission-denied")
PATTERNS = (
    ErrorPattern(
        pattern=r"attached in read-only mode|attempt to write a readonly database",
        message="the database file was open for reading only",
        fix="open the file for writing, and make it and its directory writable for the account that runs the step",
        domain="config",
    ),
    ErrorPattern(
        pattern=(
            r"cannot execute [A-Z ]{1,40} in a read-only transaction"
            r"|running with the --(?:super-)?read-only option[^\n]{0,80}"
            r"|(?i:database is (?:in read-only mode|read-only))"
        ),
        message="the database rejected writes: the server, the account or the transaction is read-only",
        fix="connect to the primary server, or disable the read-only mode of the server, the account or the transaction",
        domain="config",
        error_class="read-only",
    ),
)

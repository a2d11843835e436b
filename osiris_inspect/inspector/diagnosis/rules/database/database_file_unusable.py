"""A database file cannot be used.

What it finds:
    An error of DuckDB or SQLite about the file of a database: another version wrote it, it is damaged, its file system
    has no locks, or the database stopped after an earlier error.

Why it matters:
    Each query on this file fails; the query itself is not the cause.

How to fix:
    Use one version of the library for reading and writing; restore the file from a copy if it is damaged.

Example:
    `Serialization Error: Failed to deserialize: field id mismatch, expected: 100, got: 200`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.model.finding import Confidence

REFINES = ("query-failed",)
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Could not set lock on file [^\n]{1,200}: (?:(?:Operation n|N)ot supported|No locks available|Function not implemented|Invalid argument)[^\n]{0,120}"
            r"|(?i:\bno locks available\b)|\bENOLCK\b|unable to lock file, errno = (?:37|38|45|77|95)\b[^\n]{0,80}"
        ),
        message="the file system of the file does not support locks, as some network shares",
        fix="move the database file to a local disk; if others need it, copy it to the share after the run",
        domain="infra",
    ),
    ErrorPattern(
        pattern=(
            r"(?<!\w )Serialization Error: (?:Failed to deserialize|Attempting to |Can't find|Unsupported)[^\n]{1,160}|Trying to read a database file with version number[^\n]{0,120}"
            r"|created with (?:a newer|an older|a different) version of (?:DuckDB|SQLite)[^\n]{0,60}"
        ),
        message="another version of the database library wrote the file",
        fix="use the same version of the library where the file is written and where it is read",
        domain="infra",
    ),
    ErrorPattern(
        pattern=r"(?<!\w )Serialization Error: [^\n]{1,160}",
        message="data could not be read in the form in which it was written",
        fix="use the same version of the library where the data is written and where it is read",
        domain="infra",
        confidence=Confidence.MEDIUM,
    ),
    ErrorPattern(
        pattern=r"(?i:database has been invalidated because of a previous fatal error)[^\n]{0,100}",
        message="the database stopped after an earlier fatal error, which is the cause",
        fix="find the first FATAL or INTERNAL error in the log; then run again in a new process",
        domain="code",
    ),
    ErrorPattern(
        pattern=(
            r"not a valid DuckDB database file|(?i:file is not a database)|(?i:database disk image is malformed)"
            r"|(?i:failure while replaying WAL)[^\n]{0,80}|(?i:corrupt database file)[^\n]{0,60}"
        ),
        message="the file is not a database of this kind, or it is damaged",
        fix="check the path; restore the file from a copy if it is damaged",
        domain="infra",
    ),
    ErrorPattern(
        pattern=r"unable to open database file[^\n]{0,120}",
        message="the database file could not be opened or created",
        fix="check the path: its directory must exist, and the account that runs the step must be allowed to write there",
        domain="config",
    ),
    ErrorPattern(
        pattern=r"\bINTERNAL Error: [^\n]{1,160}|\bFATAL Error: (?![^\n]{0,40}invalidated)[^\n]{1,160}",
        message="the database library failed in its own code",
        fix="run again with another version of the library; simplify the query if it fails there, too",
        domain="code",
        confidence=Confidence.MEDIUM,
    ),
)

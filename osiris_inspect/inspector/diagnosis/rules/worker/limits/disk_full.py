"""The disk was full.

What it finds:
    An error in which a write failed because no disk space was left, also in the text log of a run whose log
    was cut.

Why it matters:
    Files written at that time may be truncated.

How to fix:
    Free disk space where the step writes, and run again.

Example:
    `[Errno 28] No space left on device`
"""

import re

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText
from osiris_inspect.inspector.diagnosis.evidence.http_status import status_findings
from osiris_inspect.inspector.diagnosis.rule import Findings
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence

SEARCHES = ("errors", "text logs")
REFINES = ("query-failed", "service-failed", "spill-write-failed")
EXPLAINS = ("worker-killed", "sandbox-lost")
_OF_DATABASE = LazyRegex(r"could not (?:extend|write to) file \\?\"|Disk full \(|shared memory segment")


def _is_of_database(_run: Run, text: ErrorText, _match: re.Match[str]) -> bool:
    """Return True if the disk is that of a database server."""
    return _OF_DATABASE.search(text.text) is not None


PATTERNS = (
    ErrorPattern(
        pattern=r"The table '[^'\n]{1,120}' is full",
        message="the table could not grow: it reached its size limit, or the disk of the server was full",
        fix="free disk space on the server; for a table in memory, use InnoDB or raise max_heap_table_size",
        domain="infra",
        confidence=Confidence.MEDIUM,
    ),
    ErrorPattern(
        pattern=r"failed to offload data block[^\n]{0,100}|(?i:max_temp_directory_size)[^\n]{0,80}",
        message="DuckDB reached the limit of its temporary disk space",
        fix="free disk space in DuckDB's temporary directory, raise max_temp_directory_size, or simplify the query",
        domain="infra",
    ),
    ErrorPattern(
        pattern=r"(?i:disk quota exceeded)|\bEDQUOT\b",
        message="the account reached its quota of disk space or files",
        fix="delete files of this account there, raise its quota, or write to another disk",
        domain="infra",
        search_text_logs=True,
    ),
    ErrorPattern(
        pattern=r"could not resize shared memory segment [^\n]{1,160}",
        message="the shared memory of the database server was full",
        fix="give the container of the database more shared memory (--shm-size), or lower its parallel workers",
        domain="infra",
        error_class="shared memory",
    ),
    ErrorPattern(
        pattern=r"(?i:no space left on device)[^\n]{0,40}/dev/shm\b",
        message="the shared memory (/dev/shm) was full",
        fix="give the container more shared memory (--shm-size), or pass less data between processes",
        domain="infra",
    ),
    ErrorPattern(
        pattern=(
            r"Disk full \(|could not (?:extend|write to) file \\?\"[^\"\n]{1,200}\": (?i:no space left)[^\n]{0,60}"
            r"|(?i:database or disk is full)"
        ),
        message="the disk of the database was full",
        fix="free disk space where the database stores its files and temporary files, or use a larger disk",
        domain="infra",
        search_text_logs=True,
        error_class="disk",
    ),
    ErrorPattern(
        pattern=(
            r"(?i:no space left on device)(?![^\n]{0,40}/dev/shm\b)"
            r"|\bENOSPC\b"
            r"|\bNotEnoughSpaceException\b|(?i:not enough disk space)"
        ),
        message="the disk was full",
        fix="free disk space or write to another disk",
        domain="infra",
        search_text_logs=True,
        unless=_is_of_database,
    ),
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find also responses of a service whose disk is full."""
    yield from status_findings(run, "disk-full")

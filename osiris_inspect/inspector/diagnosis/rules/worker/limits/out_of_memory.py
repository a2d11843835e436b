"""A step ran out of memory.

What it finds:
    An error of memory allocation.

Why it matters:
    The run fails again as long as the data and the limits are the same.

How to fix:
    Set `E2B_FORCE_SPILL=1` or lower `E2B_SPILL_THRESHOLD`, select fewer columns, or raise the limit.

Example:
    `Out of Memory Error: failed to allocate data of size 32.0 MiB`
"""

import re

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText
from osiris_inspect.inspector.run.run import Run

EXPLAINS = ("worker-killed", "sandbox-lost")


def _server_fix(_run: Run, text: ErrorText, _match: re.Match[str]) -> str:
    if "shared memory" in text.text or "max_locks_per_transaction" in text.text:
        return "use fewer tables and partitions in one transaction, or raise max_locks_per_transaction of the server"
    return "simplify the query or give the database server more memory"


PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Out of sort memory[^\n]{0,100}"
            r"|ERROR: {1,4}out of memory[^\n]{0,60}|out of shared memory"
        ),
        message="the database server ran out of memory for the query",
        fix=_server_fix,
        domain="infra",
        error_class="memory of the server",
    ),
    ErrorPattern(
        pattern=(
            r"Out of Memory Error(?!: failed to offload)[^\n]{0,160}"
            r"|\b(?:_Array)?MemoryError\b"
            r"|Unable to allocate [^\n]{1,100}"
            r"|(?i:cannot allocate memory)"
            r"|\b(?:OOMKilled|ENOMEM)\b|\bstd::bad_alloc\b|\bmalloc of size \d{1,20} failed"
            r"|(?i:out of memory(?! error: failed to offload))"
        ),
        message="the step ran out of memory",
        fix="spill DataFrames to disk, read less data at once, or give the step more memory",
        domain="infra",
        search_text_logs=True,
    ),
)

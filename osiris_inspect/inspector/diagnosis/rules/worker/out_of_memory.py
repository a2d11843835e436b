"""A step needed more memory than there was.

What it finds:
    An error of memory allocation.

Why it matters:
    A repeated run will fail in the same way as long as data and limits stay.

How to fix:
    Set `E2B_FORCE_SPILL=1` or lower `E2B_SPILL_THRESHOLD`, select fewer columns, or raise the limit.

Example:
    `Out of Memory Error: failed to allocate data of size 32.0 MiB`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

RANK = 40
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Out of sort memory[^\n]{0,100}"
            r"|ERROR: {1,4}out of memory[^\n]{0,60}|out of shared memory"
        ),
        message="the database server had not enough memory for the query",
        fix="make the query lighter, or give the server more memory; that of the step does not matter",
        domain="infra",
        error_class="memory of the server",
    ),
    ErrorPattern(
        pattern=(
            r"Out of Memory Error(?!: failed to offload)[^\n]{0,160}"
            r"|\b(?:_Array)?MemoryError\b"
            r"|Unable to allocate [^\n]{1,100}"
            r"|(?i:cannot allocate memory)"
            r"|\bOOMKilled\b"
            r"|(?i:out of memory(?! error: failed to offload))"
        ),
        message="there was not enough memory",
        fix="let frames spill to disk, read less at once, or give the step more memory",
        domain="infra",
        search_text_logs=True,
    ),
)

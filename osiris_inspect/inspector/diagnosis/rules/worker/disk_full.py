"""The disk was full.

What it finds:
    An error in which a disk refused to take more.

Why it matters:
    Files written at that moment may be cut off.

How to fix:
    Free space where the step writes, and run again.

Example:
    `[Errno 28] No space left on device`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

RANK = 39
PATTERNS = (
    ErrorPattern(
        pattern=r"failed to offload data block[^\n]{0,100}|(?i:max_temp_directory_size)[^\n]{0,80}",
        message="DuckDB may put no more on the disk than it has, or than it was told",
        fix="free space where DuckDB keeps what does not fit into memory, raise max_temp_directory_size, "
        "or make the query lighter",
        domain="infra",
    ),
    ErrorPattern(
        pattern=(
            r"(?i:no space left on device)"
            r"|\bENOSPC\b"
            r"|(?i:disk quota exceeded)"
            r"|The table '[^'\n]{1,120}' is full"
            r"|\bNotEnoughSpaceException\b"
        ),
        message="there is no space left on the disk",
        fix="free space, or write to another disk",
        domain="infra",
        search_text_logs=True,
        error_class="disk",
    ),
)

"""A writer gave up after several attempts.

What it finds:
    A writer that failed after its retries.

Why it matters:
    Earlier batches stay written, so a second run must not append them again.

How to fix:
    Repair the service, then run again with `upsert`.

Example:
    `Batch write failed after retry: 503 Service Unavailable`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

IS_GENERAL = True
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Batch write failed after retry: (?P<what>[^\n]{1,160})"
            r"|Replace cleanup failed: (?P<w2>[^\n]{1,120})"
            r"|produced zero rows but had \d+ input rows"
        ),
        message="the writer gave up after its retries",
        fix="check the response of the service; some rows may have been written",
        domain="infra",
    ),
)

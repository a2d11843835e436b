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
from osiris_inspect.model.finding import Confidence

REFINES = ("unexplained-failure",)
IS_GENERAL = True
_EMPTY = r"(?:\{ ?\}|\[ ?\]|\( ?\)|None|null|''|\"\")"
_NOTHING = rf" ?(?:{_EMPTY}|\{{'\w{{1,20}}': {_EMPTY}(?:, '\w{{1,20}}': {_EMPTY}){{0,6}}\}})?[ .]{{0,3}}$"
PATTERNS = (
    ErrorPattern(
        pattern=rf"(?:Batch write|write|Replace cleanup) failed(?: after retry)?: ?{_NOTHING}",
        message="the message has no reason: the response of the service had an empty body",
        fix="look for the status of the response in the log of the step; run it again with --verbose if there is none",
        domain="infra",
        confidence=Confidence.LOW,
    ),
    ErrorPattern(
        pattern=(
            rf"Batch write failed after retry: (?!{_NOTHING})(?P<what>[^\n]{{1,160}})"
            rf"|Replace cleanup failed: (?!{_NOTHING})(?P<w2>[^\n]{{1,120}})"
            r"|produced zero rows but had \d+ input rows"
        ),
        message="the writer gave up after its retries",
        fix="correct what the message states; some rows may have been written",
        domain="infra",
        confidence=Confidence.MEDIUM,
    ),
)

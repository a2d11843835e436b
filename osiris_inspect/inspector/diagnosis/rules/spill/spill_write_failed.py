"""A DataFrame could not be spilled.

What it finds:
    A log line of the worker that a DataFrame could not be stored, although the step succeeded.

Why it matters:
    The original drops the DataFrame if its spill fails and logs it only in the text log; the next step has no
    input.

How to fix:
    Remove duplicate column names and cells of mixed types, or run without a forced spill.

Example:
    `Failed to cache DataFrame for step extract-dup: Duplicate column names found: ['id', 'id']`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.evidence.error_text import matching_log_lines
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.files.log_phrases import SPILL_NOT_WRITTEN
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.sanitize import excerpt, excerpt_of
from osiris_inspect.model.finding import Severity

NEEDS = ("steps",)
SEARCHES = ("text logs", "spill_failed")
EXPLAINS = ("frame-dropped-from-cache", "output-missing", "input-not-found")
TEMPLATE = FindingTemplate(
    Severity.WARNING, "data", "make column names unique and column types uniform, or check the disk"
)
_REMEDIES = (
    (LazyRegex(r"(?i:duplicate column)"), "give each column a unique name"),
    (LazyRegex(r"string column names|column names must be str"), "convert the column names to strings"),
    (
        LazyRegex(r"Expected bytes|[Cc]ould not convert|Conversion failed|cannot mix"),
        "give each column one type",
    ),
    (
        LazyRegex(r"(?i:no space left|quota exceeded|not enough disk)"),
        "free disk space where the run is stored",
    ),
    (LazyRegex(r"(?i:permission denied|read-only file system)"), "store the run in a writable directory"),
    (LazyRegex(r"(?i:No module named|usable engine)"), "install pyarrow where the steps run"),
)


def _fix(reason: str) -> str | None:
    """Return the remedy for a reason; None if none is known."""
    return next((remedy for pattern, remedy in _REMEDIES if pattern.search(reason)), None)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find frames that could not be spilled."""
    for line, match in matching_log_lines(run, SPILL_NOT_WRITTEN):
        step, reason = run.step(match["step"]), excerpt_of(match, 160, "why")
        lost = step is None or step.storage in ("none", "unknown")
        yield TEMPLATE.finding(
            f"the DataFrame could not be spilled and {'was lost' if lost else 'stayed in memory'}: {reason}",
            line.evidence(match[0][:160]),
            step=match["step"],
            severity=Severity.ERROR if lost else None,
            fix=_fix(reason),
        )
    for event in run.events_named("spill_failed"):
        reason = excerpt(str(event.fields.get("error") or "no reason"), 160)
        message = f"the DataFrame could not be spilled and stayed in memory: {reason}"
        yield TEMPLATE.finding(message, event_evidence(event, "error"), step=event.step, fix=_fix(reason))

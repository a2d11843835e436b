"""A frame could not be written to disk and was lost.

What it finds:
    A worker's log line that a frame could not be kept, while the step counts as a success.

Why it matters:
    The original drops the frame when its spill fails and says so only in the text log; the next step then has no
    input.

How to fix:
    Remove what Parquet refuses: column names that stand twice, cells of mixed types. Or run without a forced spill.

Example:
    `Failed to cache DataFrame for step extract-dup: Duplicate column names found: ['id', 'id']`
"""

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.evidence.error_text import matching_log_lines
from osiris_inspect.inspector.files.log_phrases import SPILL_NOT_WRITTEN
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.sanitize import excerpt, excerpt_of
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity

NEEDS = ("steps",)
RANK = 20


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Steps whose frame could not be spilled."""
    for told, match in matching_log_lines(run, SPILL_NOT_WRITTEN):
        step = run.step(match["step"])
        lost = step is None or step.storage in ("none", "unknown")
        yield _finding(match["step"], excerpt_of(match, 160, "why"), told.evidence(match[0][:160]), lost=lost)
    for event in run.events_named("spill_failed"):
        yield _finding(
            event.step,
            str(event.fields.get("error") or "no reason"),
            event_evidence(event, "error"),
            lost=False,
        )


def _finding(step: str | None, why: str, evidence: Evidence, *, lost: bool) -> Finding:
    outcome = "is lost" if lost else "stays in memory"
    return Finding(
        rule="spill-write-failed",
        severity=Severity.ERROR if lost else Severity.WARNING,
        confidence=Confidence.HIGH,
        domain="data",
        message=f"the frame could not be spilled and {outcome}: {excerpt(why, 160)}",
        evidence=(evidence,),
        step=step,
        fix="make column names unique and column types uniform, or see why the disk refused",
    )

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

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.evidence.error_text import matching_log_lines
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.files.log_phrases import SPILL_NOT_WRITTEN
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.sanitize import excerpt, excerpt_of
from osiris_inspect.model.finding import Severity

NEEDS = ("steps",)
RANK = 20
TEMPLATE = FindingTemplate(
    Severity.WARNING, "data", "make column names unique and column types uniform, or see why the disk refused"
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find frames that could not be spilled."""
    for line, match in matching_log_lines(run, SPILL_NOT_WRITTEN):
        step, reason = run.step(match["step"]), excerpt_of(match, 160, "why")
        lost = step is None or step.storage in ("none", "unknown")
        yield TEMPLATE.finding(
            f"the frame could not be spilled and {'is lost' if lost else 'stays in memory'}: {reason}",
            line.evidence(match[0][:160]),
            step=match["step"],
            severity=Severity.ERROR if lost else None,
        )
    for event in run.events_named("spill_failed"):
        reason = excerpt(str(event.fields.get("error") or "no reason"), 160)
        message = f"the frame could not be spilled and stays in memory: {reason}"
        yield TEMPLATE.finding(message, event_evidence(event, "error"), step=event.step)

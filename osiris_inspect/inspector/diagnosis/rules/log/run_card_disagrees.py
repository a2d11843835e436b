"""The run card and the log disagree about a step.

What it finds:
    A step that succeeded in the run card and failed in the log, or the reverse; in runs of this project also
    a different row count.

Why it matters:
    Reports are made from the run card, and a reader of the card alone is misled.

How to fix:
    Trust the log: it was written during the run.

Example:
    The event log has `step_failed` of `compute-stats`, and the card reports `"status": "succeeded"`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence, run_card_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model.finding import Severity
from osiris_inspect.model.run_card import StepCard

NEEDS = ("run card", "events")
TEMPLATE = FindingTemplate(Severity.NOTE, "code", "trust the log", stage="finish")
_ENDS = {
    "step_complete": "succeeded",
    "step_failed": "failed",
    "step_skipped": "skipped",
    "step_reused": "reused",
}


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find steps whose status or row count differs between run card and log."""
    for step in run.steps:
        card = run.card.for_step(step.id) if run.card is not None else None
        ends = run.events_named(*_ENDS, step=step.id)
        values = _different_values(run, step, card) if card is not None and ends else None
        if values is not None:
            yield TEMPLATE.finding(
                f"the run card recorded {values[0]}, but the log {values[1]}",
                *run_card_evidence(run, step, "step_id"),
                event_evidence(ends[-1]),
                step=step.id,
            )


def _different_values(run: Run, step: StepState, card: StepCard) -> tuple[str, str] | None:
    """Return the values of the card and of the log, or None if they agree."""
    if card.status in _ENDS.values() and step.status in _ENDS.values() and card.status != step.status:
        return str(card.status), step.status
    # row counts of the original prove nothing: it counts 0 for writers, and failed rows as written
    stored = [
        event.row_count for event in run.events_named("rows_out", step=step.id) if event.dialect == "native"
    ]
    if stored and card.rows_out is not None and stored[-1] != card.rows_out:
        return f"{card.rows_out:,} rows", f"{stored[-1] or 0:,} rows"
    return None

"""The run card says something else of a step than the log.

What it finds:
    A step that the run card calls succeeded and the log failed, or the other way round; in our own runs also other rows.

Why it matters:
    Reports are made from the card. Whoever reads only that is told something that did not happen.

How to fix:
    Believe the log: it was written while things happened.

Example:
    `events.jsonl` has `step_failed` of `compute-stats`, and the card says `"status": "succeeded"`
"""

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence, run_card_evidence
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model.finding import Confidence, Finding, Severity
from osiris_inspect.model.run_card import StepCard

NEEDS = ("run card", "events")

_ENDS = {"step_complete": "succeeded", "step_failed": "failed", "step_skipped": "skipped"}


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Steps whose card and log do not agree."""
    for step in run.steps:
        card = run.card.for_step(step.id) if run.card is not None else None
        ends = run.events_named(*_ENDS, step=step.id)
        if card is None or not ends:
            continue
        told = _difference(run, step, card)
        if told is not None:
            yield Finding(
                rule="run-card-disagrees",
                severity=Severity.NOTE,
                confidence=Confidence.HIGH,
                domain="code",
                message=f"the run card says {told[0]}, the log says {told[1]}",
                evidence=(*run_card_evidence(run, step, "step_id"), event_evidence(ends[-1])),
                step=step.id,
                stage="finish",
                fix="believe the log",
            )


def _difference(run: Run, step: StepState, card: StepCard) -> tuple[str, str] | None:
    """What card and log say, where that is not the same."""
    if card.status in _ENDS.values() and step.status in _ENDS.values() and card.status != step.status:
        return str(card.status), step.status
    # the original counts a writer's rows as 0, and rows that failed as written: its figures are no evidence
    stored = [
        event.row_count for event in run.events_named("rows_out", step=step.id) if event.dialect == "native"
    ]
    if stored and card.rows_out is not None and stored[-1] != card.rows_out:
        return f"{card.rows_out:,} rows", f"{stored[-1] or 0:,} rows"
    return None

"""The totals at the end of a log are not the sum of the log.

What it finds:
    A clean-up that counts more steps than completed, or a run that wrote rows and counts none.

Why it matters:
    The original counts the steps it planned, also where they failed, and no rows of its CSV drivers. Whoever reads the
    last line only believes that a broken run was complete.

How to fix:
    Count `step_complete` and the rows of the steps; this report does.

Example:
    `cleanup_complete` says `steps_executed: 3`, and one step completed.
"""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.units import pluralize
from osiris_inspect.model.event import Event
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS: Final = ("cleanup_complete", "steps")


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Totals that the steps do not bear out."""
    for event in run.events_named("cleanup_complete")[-1:]:
        done = sum(step.status == "succeeded" for step in run.steps)
        ended = sum(step.status in ("succeeded", "failed") for step in run.steps)
        claimed = event.fields.get("steps_executed")
        if isinstance(claimed, int) and claimed > done and run.status == "failed" and ended < claimed:
            yield _finding(
                event, "steps_executed", f"{pluralize(claimed, 'step')} executed", f"{done} completed"
            )
        written = sum(step.rows_out or 0 for step in run.steps if step.is_writer)
        if event.fields.get("total_rows") == 0 and written > 0:
            yield _finding(event, "total_rows", "0 rows", f"{written:,} were written")


def _finding(event: Event, key: str, claim: str, truth: str) -> Finding:
    return Finding(
        rule="totals-disagree",
        severity=Severity.NOTE,
        confidence=Confidence.LOW,
        domain="code",
        message=f"the end of the log says {claim}; by its steps {truth}",
        evidence=(event_evidence(event, key),),
        stage="finish",
        fix="believe the steps",
    )

"""The totals at the end of a log differ from the sum of its steps.

What it finds:
    A clean-up that counts more steps than completed, or a run that wrote rows and reports 0.

Why it matters:
    The original counts the planned steps, even if they failed, and does not count the rows of its CSV
    drivers. The last line alone makes an incomplete run look complete.

How to fix:
    Count `step_complete` events and the rows of the steps, as this report does.

Example:
    `cleanup_complete` reports `steps_executed: 3`, and one step completed.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.units import pluralize
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("cleanup_complete", "steps")
TEMPLATE = FindingTemplate(Severity.NOTE, "code", "trust the steps", Confidence.LOW, "finish")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find totals at the end of a log that differ from the steps."""
    for event in run.events_named("cleanup_complete")[-1:]:
        statuses = [step.status for step in run.steps]
        completed, failed = statuses.count("succeeded"), statuses.count("failed")
        executed = event.fields.get("steps_executed")
        if isinstance(executed, int) and run.status == "failed" and executed > completed + failed:
            yield TEMPLATE.finding(
                f"the log ended with {pluralize(executed, 'step')} executed, but {completed} completed",
                event_evidence(event, "steps_executed"),
            )
        written = sum(step.rows_out or 0 for step in run.steps if step.is_writer)
        if event.fields.get("total_rows") == 0 and written > 0:
            yield TEMPLATE.finding(
                f"the log ended with 0 rows in total, but its steps wrote {written:,}",
                event_evidence(event, "total_rows"),
            )

"""A step gave something that is no frame.

What it finds:
    A driver that returned a list, a text or a dictionary where a frame was to be, or a result that is no mapping.

Why it matters:
    What is no frame cannot be kept, spilled or handed on, so everything downstream has no input.

How to fix:
    Return `{"df": frame}`, where `frame` is a pandas frame or an Arrow table.

Example:
    `output_stored` says `the driver returned 'df' as a dict, not as a frame`
"""

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.event import Event
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("output_stored",)
RANK = 31


def check(run: Run, lineage: Lineage) -> Iterator[Finding]:
    """Results of steps that were to give a frame and gave something else."""
    for event in run.events_named("output_stored"):
        step = run.step(event.step or "")
        if step is None or step.is_writer or event.fields.get("storage") != "none":
            continue
        gave = _what(event)
        if gave is None or not (step.status == "failed" or lineage.downstream(step.id)):
            continue
        yield Finding(
            rule="output-not-a-frame",
            severity=Severity.ERROR,
            confidence=Confidence.HIGH,
            domain="code",
            message=f"the driver {step.driver} was to return {{'df': frame}} and returned {gave}",
            evidence=(event_evidence(event, "reason", "keys"),),
            step=step.id,
            fix='let the driver return {"df": frame}, a pandas frame or an Arrow table',
        )


def _what(event: Event) -> str | None:
    """What was returned in place of a frame, in words; None where it was nothing, or under another name."""
    keys, reason = event.fields.get("keys"), str(event.fields.get("reason") or "")
    if isinstance(keys, dict) and "df" in keys:
        return f"'df' as {keys['df']}"
    if not keys and "not a mapping" in reason:
        return reason.partition("returned ")[2] or reason
    return None

"""A step returned a value that is not a DataFrame.

What it finds:
    A driver that returned a list, a string or a dictionary instead of a DataFrame, or a result that is not a
    mapping.

Why it matters:
    Such a value cannot be stored, spilled or passed on, so all downstream steps have no input.

How to fix:
    Return `{"df": frame}`, where `frame` is a pandas DataFrame or an Arrow table.

Example:
    `output_stored` reports `the driver returned 'df' as a dict, not as a frame`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.event import Event
from osiris_inspect.model.finding import Severity

NEEDS = ("output_stored",)
EXPLAINS = ("output-missing", "frame-dropped-from-cache", "input-not-found")
TEMPLATE = FindingTemplate(
    Severity.ERROR,
    "code",
    'return {"df": DataFrame} from the driver, with a pandas DataFrame or an Arrow table',
)


def check(run: Run, lineage: Lineage) -> Findings:
    """Find results that are not a frame."""
    for event in run.events_named("output_stored"):
        step = run.step(event.step or "")
        if step is None or step.is_writer or event.fields.get("storage") != "none":
            continue
        returned = _returned(event)
        if returned is not None and (step.status == "failed" or lineage.downstream(step.id)):
            yield TEMPLATE.finding(
                f"the driver {step.driver} returned {returned} instead of {{'df': DataFrame}}",
                event_evidence(event, "reason", "keys"),
                step=step.id,
            )


def _returned(event: Event) -> str | None:
    """Return a description of what a driver returned instead of a frame; None for nothing or another key."""
    keys, reason = event.fields.get("keys"), str(event.fields.get("reason") or "")
    if isinstance(keys, dict) and "df" in keys:
        return f"'df' as {keys['df']}"
    if not keys and "not a mapping" in reason:
        return reason.partition("returned ")[2] or reason
    return None

"""A column has a different type on disk than in memory.

What it finds:
    Columns that Parquet cannot store unchanged: a warning if values are not restored exactly, otherwise a
    note.

Why it matters:
    A query sees another type with spill than without, so the same pipeline can return two results.

How to fix:
    Convert the column, in the step that creates it, to a type that Parquet supports.

Example:
    `dtype_downgraded`: column `payload`, from `object` to `string`, `lossless: false`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.event import Event
from osiris_inspect.model.finding import Severity

NEEDS = ("dtype_downgraded",)
TEMPLATE = FindingTemplate(Severity.NOTE, "data", "convert the column in the step that creates it")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Report the columns whose type the spill changed, one finding per step."""
    by_step: dict[str | None, list[Event]] = {}
    for event in run.events_named("dtype_downgraded"):
        by_step.setdefault(event.step, []).append(event)
    for step, events in by_step.items():
        lossy = [event for event in events if event.fields.get("lossless") is False]
        changes = ", ".join(
            f"{event.fields.get('column')!r} from {event.fields.get('from')} to {event.fields.get('to')}"
            for event in (lossy or events)[:5]
        )
        effect = "; it is not restored exactly" if lossy else "for SQL; it is restored exactly"
        yield TEMPLATE.finding(
            f"the spill changed the type of {changes}{effect}",
            *(event_evidence(event, "column") for event in (lossy or events)[:3]),
            step=step,
            severity=Severity.WARNING if lossy else None,
        )

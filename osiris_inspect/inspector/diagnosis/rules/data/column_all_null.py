"""A column contains only nulls.

What it finds:
    A DataFrame with rows in which a column has the type `null`, which only a column without values has.

Why it matters:
    A join without matches or a conversion that failed silently creates such a column, and the target receives
    no values.

How to fix:
    Check the step that creates the column; if its input still has values, check the join or the cast.

Example:
    `stats` returns `discount` as `null`, and its input had it as `float64`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.event import Event
from osiris_inspect.model.finding import Severity

NEEDS = ("output_stored",)
TEMPLATE = FindingTemplate(Severity.NOTE, "data", "check the join or cast that creates the column")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find columns of type null, at the first step that has them."""
    stored = {event.step: event for event in run.events_named("output_stored") if event.row_count}
    for step in run.steps:
        event = stored.get(step.id)
        if event is None:
            continue
        inputs = [stored[entry.from_step] for entry in step.inputs if entry.from_step in stored]
        input_types = _column_types(*inputs)
        empty = [
            column
            for column, dtype in _column_types(event).items()
            if dtype == "null" and input_types.get(column) != "null"
        ]
        lost = [column for column in empty if column in input_types]
        if empty:
            columns = ", ".join(map(repr, (lost or empty)[:8]))
            yield TEMPLATE.finding(
                f"{columns} had no values" + (", although the input had some" if lost else ""),
                event_evidence(event, "dtypes"),
                *(event_evidence(source, "dtypes") for source in inputs[:2] if lost),
                step=step.id,
                severity=Severity.WARNING if lost else None,
            )


def _column_types(*events: Event) -> dict[str, str]:
    types: dict[str, str] = {}
    for event in events:
        columns, dtypes = event.fields.get("columns"), event.fields.get("dtypes")
        if isinstance(columns, list) and isinstance(dtypes, list):
            types |= zip(map(str, columns), map(str, dtypes), strict=False)
    return types

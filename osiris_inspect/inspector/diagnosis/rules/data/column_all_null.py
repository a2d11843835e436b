"""A column holds nothing but nulls.

What it finds:
    A frame with rows whose column has the type `null`, which only a column without any value has.

Why it matters:
    A join that met no partner or a conversion that failed silently leaves such a column, and a target then gets nothing
    in it.

How to fix:
    Look at the step that makes the column; where an input still has values in it, at its join or its cast.

Example:
    `stats` gives `discount` as `null`, and its input had it as `float64`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.event import Event
from osiris_inspect.model.finding import Severity

NEEDS = ("output_stored",)
TEMPLATE = FindingTemplate(Severity.NOTE, "data", "look at the join or the cast that makes the column")


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
                f"no row has a value in {columns}" + (", which the input of the step had" if lost else ""),
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

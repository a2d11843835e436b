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

from collections.abc import Iterator, Mapping

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.event import Event
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("output_stored",)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Frames with a column of nulls, at the first step that has it."""
    stored = {event.step: event for event in run.events_named("output_stored") if event.row_count}
    for step in run.steps:
        event = stored.get(step.id)
        if event is None:
            continue
        inputs = [stored[entry.from_step] for entry in step.inputs if entry.from_step in stored]
        before = _types(inputs)
        empty = [
            name for name, kind in _types([event]).items() if kind == "null" and before.get(name) != "null"
        ]
        if empty:
            lost = [name for name in empty if name in before]
            yield Finding(
                rule="column-all-null",
                severity=Severity.WARNING if lost else Severity.NOTE,
                confidence=Confidence.HIGH,
                domain="data",
                message=f"no row has a value in {', '.join(map(repr, (lost or empty)[:8]))}"
                + (", which the input of the step had" if lost else ""),
                evidence=(
                    event_evidence(event, "dtypes"),
                    *(event_evidence(other, "dtypes") for other in inputs[:2] if lost),
                ),
                step=step.id,
                fix="look at the join or the cast that makes the column",
            )


def _types(events: list[Event]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for event in events:
        columns, dtypes = event.fields.get("columns"), event.fields.get("dtypes")
        if isinstance(columns, list) and isinstance(dtypes, list):
            found |= {str(name): str(kind) for name, kind in zip(columns, dtypes, strict=False)}
    return found

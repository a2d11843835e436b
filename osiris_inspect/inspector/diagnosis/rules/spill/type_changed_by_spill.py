"""A column has another type on disk than in memory.

What it finds:
    Columns that Parquet cannot hold as they are: a warning where values do not come back exactly, else a note.

Why it matters:
    A query sees another type with spill than without, so the same pipeline can give two results.

How to fix:
    Convert the column in the step that makes it, to a type that Parquet has.

Example:
    `dtype_downgraded`: column `payload`, from `object` to `string`, `lossless: false`
"""

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("dtype_downgraded",)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Columns that the spill changed, a finding a step."""
    by_step: dict[str | None, list[tuple[str, bool]]] = {}
    for event in run.events_named("dtype_downgraded"):
        fields = event.fields
        what = f"{fields.get('column')!r} from {fields.get('from')} to {fields.get('to')}"
        by_step.setdefault(event.step, []).append((what, fields.get("lossless") is False))
    for step, changes in by_step.items():
        lossy = [what for what, loses in changes if loses]
        shown = lossy or [what for what, _ in changes]
        events = [
            event
            for event in run.events_named("dtype_downgraded")
            if event.step == step and (event.fields.get("lossless") is False or not lossy)
        ]
        kept = "and does not come back exactly" if lossy else "as SQL sees it; it comes back exactly"
        yield Finding(
            rule="type-changed-by-spill",
            severity=Severity.WARNING if lossy else Severity.NOTE,
            confidence=Confidence.HIGH,
            domain="data",
            message=f"on disk the type of {', '.join(shown[:5])} is another one, {kept}",
            evidence=tuple(event_evidence(event, "column") for event in events[:3]),
            step=step,
            fix="convert the column in the step that makes it",
        )

"""A frame had another number of rows when it was used than when it was given.

What it finds:
    An input with other rows than its producer gave, or a processor that read other rows than its input had.

Why it matters:
    Somebody changed the frame in between: a driver that works on its input in place changes it for everyone.

How to fix:
    Let drivers copy what they change.

Example:
    `inputs_resolved` says 14 rows, and the step's own `rows_read` says 5.
"""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.evidence.cite import metrics_during
from osiris_inspect.inspector.lineage import Lineage
from osiris_inspect.inspector.run import InputState, Run, StepState
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity

NEEDS: Final = ("inputs_resolved", "steps")


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Inputs whose rows do not agree with one of their ends."""
    rows_out = {step.id: (step.rows_out, step.rows_out_from) for step in run.steps if not step.is_writer}
    for step in run.steps:
        got = [entry for entry in step.inputs if entry.place != "unresolved" and entry.rows is not None]
        for entry in got:
            given, told_by = rows_out.get(entry.from_step or "", (None, None))
            sure = told_by in ("rows_out event", "rows_out metric")
            if sure and given is not None and given != entry.rows and entry.line:
                yield _finding(step, entry, given, (Evidence("events.jsonl", entry.line, "rows"),))
        if len(got) == 1 and not step.is_writer and step.status == "succeeded":
            yield from _read_otherwise(run, step, got[0])


def _read_otherwise(run: Run, step: StepState, entry: InputState) -> Iterator[Finding]:
    for metric in metrics_during(run, step, "rows_read"):
        if metric.value is not None and int(metric.value) != entry.rows:
            cited = Evidence(metric.file, metric.line, "value"), Evidence("events.jsonl", entry.line, "rows")
            yield _finding(step, entry, int(metric.value), cited)


def _finding(step: StepState, entry: InputState, other: int, evidence: tuple[Evidence, ...]) -> Finding:
    return Finding(
        rule="row-count-changed",
        severity=Severity.WARNING,
        confidence=Confidence.MEDIUM,
        domain="code",
        message=f"the frame of {entry.from_step!r} has {entry.rows or 0:,} rows in one place and {other:,} in another",
        evidence=evidence,
        step=step.id,
        fix="let drivers copy a frame before they change it",
    )

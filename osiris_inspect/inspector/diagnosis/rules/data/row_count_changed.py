"""A frame had another number of rows when it was used than when it was given.

What it finds:
    An input with other rows than its producer gave or had read, a processor that read other rows than its input had, or
    a writer that wrote other rows than it got and does not merge them with those of its target.

Why it matters:
    Somebody changed the frame in between: a driver that works on its input in place changes it for everyone. A writer
    that wrote a part of its rows is a success all the same.

How to fix:
    Let drivers copy what they change.

Example:
    `inputs_resolved` says 14 rows, and the step's own `rows_read` says 5.
"""

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import (
    has_own_row_count,
    row_count_evidence,
    step_metrics,
)
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import InputState, Run, StepState
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity

NEEDS = ("inputs_resolved", "steps")


_COUNTED = frozenset({"write.complete event", "rows_out event", "rows_written metric", "metric, by time"})


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Inputs whose rows do not agree with one of their ends."""
    rows_out = {step.id: (step.rows_out, step.rows_out_source) for step in run.steps if not step.is_writer}
    for step in run.steps:
        got = [entry for entry in step.inputs if entry.location != "unresolved" and entry.rows is not None]
        for entry in got:
            given, told_by = rows_out.get(entry.from_step or "", (None, None))
            sure = told_by in ("rows_out event", "rows_out metric")
            if sure and given is not None and given != entry.rows and entry.line:
                yield _finding(step, entry, given, (Evidence("events.jsonl", entry.line, "rows"),))
            elif not sure:
                yield from _given_otherwise(run, step, entry)
        if len(got) == 1 and not step.is_writer and step.status == "succeeded":
            yield from _read_otherwise(run, step, got[0])
        elif len(got) == 1 and _wrote_otherwise(run, step, got[0]):
            yield _written(run, step, got[0])


def _given_otherwise(run: Run, step: StepState, entry: InputState) -> Iterator[Finding]:
    """A source whose own count, taken while it ran in this process, is not what its consumer got."""
    source = run.step(entry.from_step or "")
    is_source = source is not None and (source.driver or "").endswith("extractor") and not source.needs
    if source is None or not is_source or run.mode != "local" or source.status != "succeeded":
        return
    counted = step_metrics(run, source, "rows_read")
    if len(counted) == 1 and counted[0].value is not None and int(counted[0].value) != entry.rows:
        cited = (
            Evidence(counted[0].file, counted[0].line, "value"),
            Evidence("events.jsonl", entry.line, "rows"),
        )
        yield _finding(step, entry, int(counted[0].value), cited)


def _wrote_otherwise(run: Run, step: StepState, entry: InputState) -> bool:
    """Whether a writer counted some of its rows, and others than it got; merged rows are counted as each target likes."""
    told = step.status == "succeeded" and step.rows_out_source in _COUNTED and has_own_row_count(run)
    merges = step.config.get("write_mode") == "upsert" or bool(step.config.get("primary_key"))
    return told and not merges and step.is_writer and bool(step.rows_out) and step.rows_out != entry.rows


def _written(run: Run, step: StepState, entry: InputState) -> Finding:
    wrote = step.rows_out or 0
    return Finding(
        rule="row-count-changed",
        severity=Severity.WARNING,
        confidence=Confidence.MEDIUM,
        domain="data",
        message=f"the step got {entry.rows or 0:,} rows and wrote {wrote:,}",
        evidence=(*row_count_evidence(run, step, wrote), Evidence("events.jsonl", entry.line, "rows")),
        step=step.id,
        fix="look into its target: rows may be missing there, or stand there twice",
    )


def _read_otherwise(run: Run, step: StepState, entry: InputState) -> Iterator[Finding]:
    for metric in step_metrics(run, step, "rows_read"):
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

"""A step's result goes nowhere, and the rows that it received are written as they were.

What it finds:
    A step whose result other steps need, but name in no query. A step that transforms a frame and whose result no step
    takes, beside a writer that takes the same frame. A step that filters the rows of another and whose result no step
    takes, if the rows before it reach a writer.

Why it matters:
    The writer writes the rows before they were cleaned, filtered or enriched, because its `needs` names the wrong step.

How to fix:
    Name the transforming step in the `needs` of the writer. If the step only checks the rows, allow this rule for it.

Example:
    `clean` receives the 200 rows of `src` and returns 193; `save` writes the 200 rows of `src`.
"""

from collections.abc import Container, Mapping, Sequence

from osiris_inspect.inspector.diagnosis.evidence.citations import (
    any_evidence,
    config_evidence,
    input_evidence,
)
from osiris_inspect.inspector.diagnosis.evidence.configuration.step_configs import inputs_not_in_query
from osiris_inspect.inspector.diagnosis.evidence.missing_input import resolved_inputs
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import InputState, Run, StepState
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("inputs_resolved",)
MIN_KEPT = 0.5
"""Share of the rows that a filter keeps; a step that keeps fewer may look for wrong rows."""
TEMPLATE = FindingTemplate(Severity.WARNING, "config", confidence=Confidence.MEDIUM)


def check(run: Run, lineage: Lineage) -> Findings:
    """Find results that no step reads."""
    unread = {(entry.from_step, step.id) for step, unused in inputs_not_in_query(run) for entry in unused}
    read_from = _read_from(lineage, unread)
    read = {producer for producers in read_from.values() for producer in producers}
    writers = [each for each in run.steps if each.is_writer and each.status == "succeeded"]
    for step in run.steps:
        if step.status != "succeeded" or step.is_writer or step.id in read or step.rows_out is None:
            continue
        consumers = [run.step(edge.consumer) for edge in lineage.edges_from(step.id)]
        if consumers:
            yield from _needed_only(run, step, [each for each in consumers if each is not None])
        elif not step.is_source:
            yield from _passed_by(run, step, writers, read_from)


def _read_from(lineage: Lineage, unread: Container[tuple[str | None, str]]) -> dict[str, list[str]]:
    """Return the steps whose results each step reads."""
    read_from: dict[str, list[str]] = {}
    for edge in lineage.edges:
        if (edge.producer, edge.consumer) not in unread:
            read_from.setdefault(edge.consumer, []).append(edge.producer)
    return read_from


def _needed_only(run: Run, step: StepState, consumers: Sequence[StepState]) -> Findings:
    """Find a result that steps need, and that their queries do not name."""
    if any(each.status != "succeeded" for each in consumers):
        return
    names = " and ".join(repr(each.id) for each in consumers[:2])
    yield TEMPLATE.finding(
        f"no step reads its {step.rows_out:,} rows: the query of {names} does not name them",
        config_evidence(consumers[0].id, "query"),
        *any_evidence(run, step),
        step=step.id,
        fix=f"read the table of {step.id!r} in the query of {consumers[0].id!r}, or remove the step from its needs",
    )


def _passed_by(
    run: Run, step: StepState, writers: Sequence[StepState], read_from: Mapping[str, Sequence[str]]
) -> Findings:
    """Find a result that no step takes, while the rows that the step received reach a writer."""
    inputs = resolved_inputs(step)
    sources = {entry.from_step for entry in inputs}
    for writer in writers:
        taken = next((entry for entry in resolved_inputs(writer) if entry.from_step in sources), None)
        if taken is not None:
            yield TEMPLATE.finding(
                f"no step takes its {step.rows_out:,} rows; {writer.id!r} writes those of {taken.from_step!r} instead",
                *input_evidence(taken),
                *any_evidence(run, step),
                step=step.id,
                fix=f"name {step.id!r} in the needs of {writer.id!r}; if the step only checks rows, allow this rule for it",
            )
            return
    if not _only_filters(run, step, inputs):
        return
    for writer in writers:
        reader = _reader_of(sources, writer.id, read_from)
        if reader is not None:
            yield TEMPLATE.finding(
                f"no step takes its {step.rows_out:,} rows; {reader!r} reads the {inputs[0].rows:,} rows before this step",
                *input_evidence(inputs[0]),
                *any_evidence(run, step),
                step=step.id,
                fix=f"read the result of {step.id!r} in {reader!r}; if the step only checks rows, allow this rule for it",
            )
            return


def _reader_of(
    sources: Container[str | None], writer: str, read_from: Mapping[str, Sequence[str]]
) -> str | None:
    """Return the step that reads one of the sources and whose result reaches a writer; None if there is none."""
    reached, front = {writer}, [writer]
    while front:
        step = front.pop()
        producers = read_from.get(step, ())
        if any(producer in sources for producer in producers):
            return step
        front += [producer for producer in producers if producer not in reached]
        reached.update(producers)
    return None


def _only_filters(run: Run, step: StepState, inputs: Sequence[InputState]) -> bool:
    """Return True if a step keeps the columns and most of the rows of its only input."""
    if len(inputs) != 1 or not inputs[0].rows or not step.rows_out:
        return False
    frames = [run.frames.get(name) for name in (step.id, inputs[0].from_step or "")]
    names = [{column.name for column in frame.columns} for frame in frames if frame is not None]
    is_alike = len(names) == 2 and bool(names[0]) and names[0] == names[1]
    return is_alike and MIN_KEPT * inputs[0].rows <= step.rows_out < inputs[0].rows

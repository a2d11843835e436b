"""Evidence: the places of a run that rules point at.

A rule names a file, a line and what stands there; ``quoting`` finds it again and takes it word for word. Line 0 means
the first line with that text, for documents whose lines carry no number.
"""

from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.event import Event
from osiris_inspect.model.finding import Evidence
from osiris_inspect.model.metric import Metric


def event_evidence(event: Event, *keys: str) -> Evidence:
    """An event, by the first of ``keys`` that it has, else by its name."""
    named = next((key for key in keys if key in event.fields), None)
    return Evidence(event.file, event.line, named or event.original_name or event.name)


def error_evidence(step: StepState) -> tuple[Evidence, ...]:
    """Where a step's error stands."""
    if step.failure is None:
        return ()
    return (Evidence(step.failure.file, step.failure.line, step.failure.message[:200]),)


def completion_evidence(run: Run, step: StepState) -> tuple[Evidence, ...]:
    """Where a step's end stands, by the rows it speaks of; the run card where the log has no end."""
    ends = run.events_named("output_stored", "rows_out", "step_complete", step=step.id)
    if ends:
        return (event_evidence(ends[-1], "rows_processed", "value", "rows"),)
    return run_card_evidence(run, step, "step_id")


def first_event_evidence(step: StepState) -> tuple[Evidence, ...]:
    """The first event that names a step."""
    return (Evidence(layout.EVENTS, step.line_range[0], step.id),) if step.line_range[0] else ()


def any_evidence(run: Run, step: StepState) -> tuple[Evidence, ...]:
    """Any place that names a step: the log, the manifest or the run card."""
    named = first_event_evidence(step)
    if named:
        return named
    return (
        (manifest_evidence(run, step.id),)
        if run.manifest is not None
        else run_card_evidence(run, step, "step_id")
    )


def run_card_evidence(run: Run, step: StepState, key: str) -> tuple[Evidence, ...]:
    """Where the run card has a step; a card on one line is cited by ``key``."""
    if run.card is None or run.card.for_step(step.id) is None:
        return ()
    return (Evidence(layout.RUN_CARD, 0, f'"{step.id}"' if key == "step_id" else f'"{key}"'),)


def manifest_evidence(run: Run, text: str) -> Evidence:
    """The first line of the manifest with a text."""
    return Evidence(run.manifest_file, 0, text)


def status_evidence(run: Run, key: str) -> tuple[Evidence, ...]:
    """Where the status file has a key."""
    return (Evidence(layout.STATUS, 0, f'"{key}"'),) if run.status_file is not None else ()


def first_line_evidence(run: Run) -> tuple[Evidence, ...]:
    """Any line of a run: what is left to point at where nothing says anything."""
    if run.events:
        return (event_evidence(run.events[-1]),)
    if run.metrics:
        return (Evidence(layout.METRICS, run.metrics[-1].line, run.metrics[-1].name),)
    files = (layout.STATUS, layout.RUN_CARD, run.manifest_file, layout.EVENTS, layout.METRICS)
    return tuple(Evidence(file, 1, "") for file in files)


def row_count_evidence(run: Run, step: StepState, rows: int) -> tuple[Evidence, ...]:
    """Where it stands that a step gave so many rows: its own event, its consumer's, or a metric of its time.

    A worker's ``rows_processed: 0`` is not among them: it says the same of an empty frame and of none.
    """
    own = [
        event
        for event in run.events_named("rows_out", "output_stored", "write.complete", step=step.id)
        if event.row_count == rows
    ]
    if own:
        return (event_evidence(own[-1], "value", "rows", "rows_written"),)
    taken = [
        Evidence(layout.EVENTS, entry.line, "rows")
        for other in run.steps
        for entry in other.inputs
        if entry.from_step == step.id and entry.rows == rows and entry.line
    ]
    counted = [
        Evidence(metric.file, metric.line, "value")
        for name in ("rows_out", "rows_written", "rows_read")
        for metric in step_metrics(run, step, name)
        if metric.value == rows
    ]
    return (*taken, *counted)[:2]


def has_own_row_count(run: Run) -> bool:
    """Whether a writer's count is its own: in a sandbox the original's worker counts for it, and mostly 0."""
    return run.mode == "local" or run.dialect == "native"


def step_metrics(run: Run, step: StepState, name: str) -> list[Metric]:
    """The metrics of that name that name the step, or name none and were logged while it ran."""
    if step.started is None or step.ended is None:
        return [metric for metric in run.metrics if metric.name == name and metric.step == step.id]
    return [
        metric
        for metric in run.metrics
        if metric.name == name
        and (
            metric.step == step.id
            or (metric.step is None and metric.ts is not None and step.started <= metric.ts <= step.ended)
        )
    ]

"""Evidence: the places of a run that rules point at.

A rule names a file, a line and what stands there; ``quoting`` finds it again and takes it word for word. Line 0 means
the first line with that text, for documents whose lines carry no number.
"""

from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.event import Event
from osiris_inspect.model.finding import Evidence
from osiris_inspect.model.metric import Metric


def at(event: Event, *keys: str) -> Evidence:
    """An event, by the first of ``keys`` that it has, else by its name."""
    named = next((key for key in keys if key in event.fields), None)
    return Evidence(event.file, event.line, named or event.original or event.name)


def failure_of(step: StepState) -> tuple[Evidence, ...]:
    """Where a step's error stands."""
    if step.failure is None:
        return ()
    return (Evidence(step.failure.file, step.failure.line, step.failure.message[:200]),)


def end_of(run: Run, step: StepState) -> tuple[Evidence, ...]:
    """Where a step's end stands, by the rows it speaks of; the run card where the log has no end."""
    ends = run.named("output_stored", "rows_out", "step_complete", step=step.id)
    if ends:
        return (at(ends[-1], "rows_processed", "value", "rows"),)
    return in_card(run, step, "step_id")


def lines_of(step: StepState) -> tuple[Evidence, ...]:
    """The first event that names a step."""
    return (Evidence(layout.EVENTS, step.lines[0], step.id),) if step.lines[0] else ()


def about(run: Run, step: StepState) -> tuple[Evidence, ...]:
    """Any place that names a step: the log, the manifest or the run card."""
    named = lines_of(step)
    if named:
        return named
    return (in_manifest(run, step.id),) if run.manifest is not None else in_card(run, step, "step_id")


def in_card(run: Run, step: StepState, key: str) -> tuple[Evidence, ...]:
    """Where the run card has a step; a card on one line is cited by ``key``."""
    if run.card is None or run.card.of(step.id) is None:
        return ()
    return (Evidence(layout.RUN_CARD, 0, f'"{step.id}"' if key == "step_id" else f'"{key}"'),)


def in_manifest(run: Run, text: str) -> Evidence:
    """The first line of the manifest with a text."""
    return Evidence(run.manifest_file, 0, text)


def in_status(run: Run, key: str) -> tuple[Evidence, ...]:
    """Where the status file has a key."""
    return (Evidence(layout.STATUS, 0, f'"{key}"'),) if run.status_file is not None else ()


def first_line(run: Run) -> tuple[Evidence, ...]:
    """Any line of a run: what is left to point at where nothing says anything."""
    if run.events:
        return (at(run.events[-1]),)
    if run.metrics:
        return (Evidence(layout.METRICS, run.metrics[-1].line, run.metrics[-1].name),)
    files = (layout.STATUS, layout.RUN_CARD, run.manifest_file, layout.EVENTS, layout.METRICS)
    return tuple(Evidence(file, 1, "") for file in files)


def saying_rows(run: Run, step: StepState, rows: int) -> tuple[Evidence, ...]:
    """Where it stands that a step gave so many rows: its own event, its consumer's, or a metric of its time.

    A worker's ``rows_processed: 0`` is not among them: it says the same of an empty frame and of none.
    """
    own = [
        event
        for event in run.named("rows_out", "output_stored", "write.complete", step=step.id)
        if event.rows == rows
    ]
    if own:
        return (at(own[-1], "value", "rows", "rows_written"),)
    taken = [
        Evidence(layout.EVENTS, entry.line, "rows")
        for other in run.steps
        for entry in other.inputs
        if entry.from_step == step.id and entry.rows == rows and entry.line
    ]
    counted = [
        Evidence(metric.file, metric.line, "value")
        for name in ("rows_out", "rows_written", "rows_read")
        for metric in metrics_during(run, step, name)
        if metric.value == rows
    ]
    return (*taken, *counted)[:2]


def counts_what_it_writes(run: Run) -> bool:
    """Whether a writer's count is its own: in a sandbox the original's worker counts for it, and mostly 0."""
    return run.mode == "local" or run.dialect == "native"


def metrics_during(run: Run, step: StepState, name: str) -> list[Metric]:
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

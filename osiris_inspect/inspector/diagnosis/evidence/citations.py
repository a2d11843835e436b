"""Evidence: the lines of a run that rules cite.

A rule names a file, a line and a text of that line; ``quotes`` looks it up and takes it verbatim. Line 0 means
the first line that contains the text, for documents without line numbers.
"""

from osiris_inspect.inspector.files.run_files import TRUNCATED_LINE
from osiris_inspect.inspector.run.counts.frame_facts import FrameFacts
from osiris_inspect.inspector.run.run import Artifact, InputState, Run, StepState, UnreadableInput
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.event import Event
from osiris_inspect.model.finding import Evidence
from osiris_inspect.model.metric import Metric


def event_evidence(event: Event, *keys: str) -> Evidence:
    """Cite an event by the first of ``keys`` that it contains, else by its name."""
    key = next((key for key in keys if key in event.fields), None)
    return Evidence(event.file, event.line, key or event.original_name or event.name)


def error_evidence(step: StepState) -> tuple[Evidence, ...]:
    """Cite the error of a step."""
    if step.failure is None:
        return ()
    return (Evidence(step.failure.file, step.failure.line, step.failure.message[:200]),)


def input_evidence(*inputs: InputState, key: str = "rows") -> tuple[Evidence, ...]:
    """Cite the lines that report the inputs, by ``key``."""
    return tuple(Evidence(layout.EVENTS, entry.line, key) for entry in inputs if entry.line)


def completion_evidence(run: Run, step: StepState) -> tuple[Evidence, ...]:
    """Cite the end of a step by its row count; if the log does not have it, the run card."""
    ends = run.events_named("output_stored", "rows_out", "step_complete", step=step.id)
    if ends:
        return (event_evidence(ends[-1], "rows_processed", "value", "rows"),)
    return run_card_evidence(run, step, "step_id")


def first_event_evidence(step: StepState) -> tuple[Evidence, ...]:
    """Cite the first event that names a step."""
    return (Evidence(layout.EVENTS, step.line_range[0], step.id),) if step.line_range[0] else ()


def any_evidence(run: Run, step: StepState) -> tuple[Evidence, ...]:
    """Cite any line that names a step, in the log, the manifest or the run card."""
    if step.line_range[0]:
        return first_event_evidence(step)
    if run.manifest is not None:
        return (manifest_evidence(run, step.id),)
    return run_card_evidence(run, step, "step_id")


def artifact_evidence(run: Run, step: StepState, artifact: Artifact) -> tuple[Evidence, ...]:
    """Cite the event of an artifact; without one, any line that names its step."""
    if artifact.line:
        return (Evidence(layout.EVENTS, artifact.line, artifact.path),)
    return any_evidence(run, step)


def run_card_evidence(run: Run, step: StepState, key: str) -> tuple[Evidence, ...]:
    """Cite the entry of a step in the run card, by ``key`` or, for ``step_id``, by the step's id."""
    if run.card is None or run.card.for_step(step.id) is None:
        return ()
    return (Evidence(layout.RUN_CARD, 0, f'"{step.id}"' if key == "step_id" else f'"{key}"'),)


def manifest_evidence(run: Run, text: str) -> Evidence:
    """Cite the first line of the manifest that contains a text."""
    return Evidence(run.manifest_file, 0, text)


def config_evidence(step: str, key: str) -> Evidence:
    """Cite a key in the configuration file of a step."""
    return Evidence(layout.config_path(step), 0, f'"{key}"')


def status_evidence(run: Run, key: str) -> tuple[Evidence, ...]:
    """Cite a key of the status file."""
    return (Evidence(layout.STATUS, 0, f'"{key}"'),) if run.status_file is not None else ()


def first_line_evidence(run: Run) -> tuple[Evidence, ...]:
    """Cite any line of a run, for findings that no line states."""
    if run.events:
        return (event_evidence(run.events[-1]),)
    if run.metrics:
        return (Evidence(layout.METRICS, run.metrics[-1].line, run.metrics[-1].name),)
    files = (layout.STATUS, layout.RUN_CARD, run.manifest_file, layout.EVENTS, layout.METRICS)
    return tuple(Evidence(file, 1, "") for file in files)


def row_count_evidence(run: Run, step: StepState, rows: int) -> tuple[Evidence, ...]:
    """Cite where the row count of a step's output is logged: its own event, its consumer's, or a metric.

    A worker's ``rows_processed: 0`` does not count: it is logged for an empty frame and for none.
    """
    own = [
        event
        for event in run.events_named("rows_out", "output_stored", "write.complete", step=step.id)
        if event.row_count == rows
    ]
    if own:
        return (event_evidence(own[-1], "value", "rows", "rows_written"),)
    received = [entry for entry in run.inputs_from(step.id) if entry.rows == rows]
    counted = [
        Evidence(metric.file, metric.line, "value")
        for name in ("rows_out", "rows_written", "rows_read")
        for metric in step_metrics(run, step, name)
        if metric.value == rows
    ]
    return (*input_evidence(*received), *counted)[:2]


def unread_line_after(run: Run, line: int) -> UnreadableInput | None:
    """Return the first line of the log after ``line`` that could not be read; a cut last line does not count."""
    return next(
        (
            entry
            for entry in run.unreadable
            if entry.file == layout.EVENTS
            and (entry.line > line or (not entry.line and entry.count > 1))
            and not entry.reason.startswith(TRUNCATED_LINE)
        ),
        None,
    )


def rows_out_evidence(run: Run, step: StepState) -> tuple[Evidence, ...]:
    """Cite the rows that a step returned; without a count in a log, its end."""
    counted = () if step.rows_out is None else row_count_evidence(run, step, step.rows_out)
    return counted or completion_evidence(run, step) or any_evidence(run, step)


def frame_evidence(frame: FrameFacts, name: str) -> Evidence:
    """Cite where the counts of a frame are recorded, by a column or a key."""
    return Evidence(frame.file, frame.line, f'"{name}"')


def has_own_row_count(run: Run) -> bool:
    """Return True if writers count rows themselves; in a sandbox the original's worker mostly logs 0."""
    return run.mode == "local" or run.dialect == "native"


def step_metrics(run: Run, step: StepState, name: str) -> list[Metric]:
    """Return the metrics called ``name`` of a step; one without a step counts if the step ran at its time."""
    if step.started is None or step.ended is None:
        return list(run.metrics_named(name, step.id))
    unassigned = [
        metric
        for metric in run.metrics_named(name, None)
        if metric.ts is not None and step.started <= metric.ts <= step.ended
    ]
    return sorted((*run.metrics_named(name, step.id), *unassigned), key=lambda metric: metric.line)

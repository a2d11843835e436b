"""Steps that failed because they were given no frame, and who should have given it."""

from osiris_inspect.inspector.run.error_phrases import MAX_TEXT, reports_missing_input
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState, WorkerRequest
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.manifest import input_name

_WANTED = LazyRegex(
    r"Table with name \"?(?P<table>\w+)|Python Object \"(?P<object>\w+)\"|requires '(?P<key>\w+)'"
)


def failed_for_missing_input(step: StepState) -> bool:
    """Whether a step failed for want of an input and had got none."""
    if step.status != "failed" or step.failure is None:
        return False
    got_some = any(entry.location != "unresolved" for entry in step.inputs)
    missed = step.failure.type == "InputNotFound" or reports_missing_input(step.failure.message)
    return missed and (not got_some or step.failure.type == "InputNotFound")


def requested_input_name(step: StepState) -> str | None:
    """The name under which a failed step looked for an input, where its error tells."""
    match = _WANTED.search(step.failure.message[:MAX_TEXT]) if step.failure is not None else None
    return next((name for name in match.groups() if name), None) if match else None


def requested_step(step: StepState, run: Run) -> StepState | None:
    """The step whose frame a failed step looked for by name and had not got."""
    wanted = (requested_input_name(step) or "").lower()
    got = {entry.from_step for entry in step.inputs if entry.location != "unresolved"}
    named = (other for other in run.steps if input_name(other.id).lower() == wanted)
    return next((other for other in named if other.id not in got and other.id != step.id), None)


def consumers_missing_input(step: StepState, run: Run, lineage: Lineage) -> list[StepState]:
    """The steps that needed the frame of ``step`` directly, did not find it, and failed for want of it."""
    waiting = [
        edge.consumer for edge in lineage.edges if edge.producer == step.id and edge.location == "unresolved"
    ]
    asked = {request.step: request for request in run.worker_requests}
    return [
        other
        for other in run.steps
        if other.id in waiting
        and failed_for_missing_input(other)
        and _is_asked(asked.get(other.id), step)
        and not ran_before(other, step)
    ]


def ran_before(step: StepState, upstream: StepState) -> bool:
    """Whether a step had ended before the step upstream of it began."""
    return 0 < step.line_range[1] < upstream.line_range[0]


def _is_asked(request: WorkerRequest | None, producer: StepState) -> bool:
    """Whether the frame of ``producer`` was looked for; without a request that would tell, it was."""
    return request is None or any(reference.from_step == producer.id for reference in request.inputs.values())

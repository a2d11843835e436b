"""Steps that failed because they were given no frame, and who should have given it."""

from osiris_inspect.inspector.evidence.failures import lacks_input
from osiris_inspect.inspector.lineage import Lineage
from osiris_inspect.inspector.run import Request, Run, StepState


def is_starved(step: StepState) -> bool:
    """Whether a step failed for want of an input and had got none."""
    if step.status != "failed" or step.failure is None:
        return False
    got_some = any(entry.place != "unresolved" for entry in step.inputs)
    missed = step.failure.type == "InputNotFound" or lacks_input(step.failure.message)
    return missed and (not got_some or step.failure.type == "InputNotFound")


def starved_by(step: StepState, run: Run, lineage: Lineage) -> list[StepState]:
    """The steps that needed the frame of ``step`` directly, did not find it, and failed for want of it."""
    waiting = [
        edge.consumer for edge in lineage.edges if edge.producer == step.id and edge.place == "unresolved"
    ]
    asked = {request.step: request for request in run.requests}
    return [
        other
        for other in run.steps
        if other.id in waiting
        and is_starved(other)
        and _is_asked(asked.get(other.id), step)
        and not was_early(other, step)
    ]


def was_early(step: StepState, upstream: StepState) -> bool:
    """Whether a step had ended before the step upstream of it began."""
    return 0 < step.lines[1] < upstream.lines[0]


def _is_asked(request: Request | None, producer: StepState) -> bool:
    """Whether the frame of ``producer`` was looked for; without a request that would tell, it was."""
    return request is None or any(reference.from_step == producer.id for reference in request.inputs.values())

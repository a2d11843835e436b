"""Steps that failed because they were given no frame, and who should have given it."""

from osiris_inspect.inspector.failures import lacks_input
from osiris_inspect.inspector.lineage import Lineage
from osiris_inspect.inspector.run import Run, StepState


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
    return [other for other in run.steps if other.id in waiting and is_starved(other)]

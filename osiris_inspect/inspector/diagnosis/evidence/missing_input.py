"""Steps that failed because an input was missing, and the steps that should have produced it."""

from osiris_inspect.inspector.run.error_phrases import MAX_TEXT, reports_missing_input
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import InputState, Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex

_REQUESTED = LazyRegex(
    r"Table with name \"?(?P<table>\w+)|Python Object \"(?P<object>\w+)\"|requires '(?P<key>\w+)'"
)


def resolved_inputs(step: StepState) -> list[InputState]:
    """Return the inputs that the step received."""
    return [entry for entry in step.inputs if entry.location != "unresolved"]


def unresolved_inputs(step: StepState) -> list[InputState]:
    """Return the inputs that were found in neither memory nor spill."""
    return [entry for entry in step.inputs if entry.location == "unresolved"]


def error_reports_missing_input(step: StepState) -> bool:
    """Return True if the step's error says that an input is missing."""
    return step.failure is not None and reports_missing_input(step.failure.message)


def may_read_spill(step: StepState) -> bool:
    """Return True if an input of the step was or may have been read from disk."""
    if not step.inputs:
        return bool(step.needs)
    return any(entry.location in ("spill", "unresolved") for entry in step.inputs)


def failed_for_missing_input(step: StepState) -> bool:
    """Return True if a step failed because an input was missing and it had received none."""
    if step.status != "failed" or step.failure is None:
        return False
    is_input_not_found = step.failure.type == "InputNotFound"
    return is_input_not_found or (error_reports_missing_input(step) and not resolved_inputs(step))


def requested_input_name(step: StepState) -> str | None:
    """Return the input name that the error of a failed step mentions."""
    match = _REQUESTED.search(step.failure.message[:MAX_TEXT]) if step.failure is not None else None
    return next((name for name in match.groups() if name), None) if match else None


def requested_step(step: StepState, run: Run) -> StepState | None:
    """Return the step whose output a failed step requested by name and did not receive."""
    requested = (requested_input_name(step) or "").lower()
    received = {entry.from_step for entry in resolved_inputs(step)}
    named = run.steps_with_input_name(requested)
    return next((other for other in named if other.id not in received and other.id != step.id), None)


def consumers_missing_input(step: StepState, run: Run, lineage: Lineage) -> list[StepState]:
    """Return the direct consumers of ``step`` that failed because they did not receive its output."""
    edges = [edge for edge in lineage.edges_from(step.id) if edge.location == "unresolved"]
    consumers = [run.step(consumer) for consumer in dict.fromkeys(edge.consumer for edge in edges)]
    if not consumers:
        return []
    requested = {
        request.step: {reference.from_step for reference in request.inputs.values()}
        for request in run.worker_requests
    }
    return [
        other
        for other in consumers
        if other is not None
        and failed_for_missing_input(other)
        and step.id in requested.get(other.id, {step.id})
        and not ran_before(other, step)
    ]


def ran_before(step: StepState, upstream: StepState) -> bool:
    """Return True if ``step`` had ended before ``upstream`` started."""
    return 0 < step.line_range[1] < upstream.line_range[0]

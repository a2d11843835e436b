"""A step was given no frame.

What it finds:
    A step that failed because an input it needs was found in neither memory nor spill.

Why it matters:
    It is nearly always a consequence: the step upstream failed, was never run, or gave nothing that was kept.

How to fix:
    Look upstream, not at this step: the finding that explains it is named beside it.

Example:
    `FilesystemCsvWriterDriver requires inputs with DataFrame`, without an `inputs_resolved` event for the step.
"""

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import error_evidence, event_evidence
from osiris_inspect.inspector.diagnosis.evidence.missing_input import failed_for_missing_input, requested_step
from osiris_inspect.inspector.run.error_phrases import reports_missing_input
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import InputState, Run, StepState
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("steps",)
RANK = 80


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failed steps that got no input."""
    for step in run.steps:
        unmade = _unmade(run, step)
        if not failed_for_missing_input(step) and unmade is None:
            continue
        looked = [event_evidence(event) for event in run.events_named("input_not_found", step=step.id)]
        yield Finding(
            rule="input-not-found",
            severity=Severity.ERROR,
            confidence=Confidence.HIGH,
            domain="code",
            message=_message(run, step)
            if unmade is None
            else f"the step got no frame of {unmade!r}, which did not succeed",
            evidence=(*looked, *error_evidence(step)),
            step=step.id,
            fix=f"see why {repr(unmade) if unmade else _origins(step) or 'the step upstream'} left no frame",
        )


def _unmade(run: Run, step: StepState) -> str | None:
    """The step whose frame a failed step missed beside others that it got, where it was never made."""
    if (
        failed_for_missing_input(step)
        or step.failure is None
        or not reports_missing_input(step.failure.message)
    ):
        return None
    sought = requested_step(step, run)
    is_needed = sought is not None and sought.id in step.needs
    return sought.id if sought is not None and is_needed and sought.status != "succeeded" else None


def _origins(step: StepState) -> str:
    missing = [entry.from_step for entry in step.inputs if entry.location == "unresolved" and entry.from_step]
    return ", ".join(map(repr, dict.fromkeys(missing)))


def _message(run: Run, step: StepState) -> str:
    """What was asked for, what the step upstream gave in its place, and what was found in each place."""
    origins = _origins(step)
    source = f" of step {origins}" if origins else ""
    wanted = [entry for entry in step.inputs if entry.location == "unresolved"]
    tried = [
        f"{place.get('place')}: {place['reason']}"
        for entry in wanted
        for place in entry.attempts
        if place.get("reason")
    ]
    reasons = f" ({'; '.join(tried)})" if tried else ""
    given = "".join(_given(run, entry) for entry in wanted)
    return f"the step got no frame: the output{source} is in neither memory nor spill{reasons}{given}"


def _given(run: Run, entry: InputState) -> str:
    for event in run.events_named("output_stored", step=entry.from_step):
        keys = event.fields.get("keys")
        if entry.from_step and isinstance(keys, dict) and keys:
            told = ", ".join(f"{key!r} ({kind})" for key, kind in keys.items())
            return f"; {entry.from_step!r} did return {told}"
    return ""

"""A step received no input.

What it finds:
    A step that failed because an input was found in neither memory nor spill.

Why it matters:
    It is nearly always a consequence: the upstream step failed, did not run, or stored no output.

How to fix:
    Check the upstream step; the finding that explains the failure is listed with this one.

Example:
    `FilesystemCsvWriterDriver requires inputs with DataFrame`, without an `inputs_resolved` event for the step.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import error_evidence, event_evidence
from osiris_inspect.inspector.diagnosis.evidence.missing_input import (
    error_reports_missing_input,
    failed_for_missing_input,
    requested_step,
    unresolved_inputs,
)
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import InputState, Run
from osiris_inspect.model.finding import Severity

NEEDS = ("steps",)
IS_GENERAL = True
TEMPLATE = FindingTemplate(Severity.ERROR, "code")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find failed steps that did not receive an input."""
    for step in run.steps:
        source: str | None = None
        if failed_for_missing_input(step):
            inputs = unresolved_inputs(step)
            source = ", ".join(dict.fromkeys(repr(entry.from_step) for entry in inputs if entry.from_step))
            message = _message(run, inputs, source)
        elif error_reports_missing_input(step):
            producer = requested_step(step, run)
            if (
                producer is None
                or producer.id not in step.needs
                or producer.status in ("succeeded", "reused")
            ):
                continue
            source = repr(producer.id)
            message = f"received no input from {source}, which did not succeed"
        else:
            continue
        yield TEMPLATE.finding(
            message,
            *(event_evidence(event) for event in run.events_named("input_not_found", step=step.id)),
            *error_evidence(step),
            step=step.id,
            fix=f"check why {source or 'the upstream step'} stored no output",
        )


def _message(run: Run, inputs: list[InputState], source: str) -> str:
    """Return what was requested, what was found at each location, and what the producer returned instead."""
    reasons = [
        f"{attempt.get('place')}: {attempt['reason']}"
        for entry in inputs
        for attempt in entry.attempts
        if attempt.get("reason")
    ]
    return (
        f"received no input: the output{f' of step {source}' if source else ''} was in neither memory nor spill"
        + (f" ({'; '.join(reasons)})" if reasons else "")
        + "".join(_returned_keys(run, entry.from_step) for entry in inputs if entry.from_step)
    )


def _returned_keys(run: Run, producer: str) -> str:
    for event in run.events_named("output_stored", step=producer):
        keys = event.fields.get("keys")
        if isinstance(keys, dict) and keys:
            returned = ", ".join(f"{key!r} ({type_name})" for key, type_name in keys.items())
            return f"; {producer!r} returned {returned}"
    return ""

"""A step did not receive an input that it needs.

What it finds:
    A command with fewer inputs than the manifest has needs, or a step that failed because an input was not
    requested. If the commands were not kept: a step that received one input and failed because of another
    one, although the upstream step succeeded.

Why it matters:
    The original's proxy passes only the first need. A join then fails, or succeeds with half of its data.

How to fix:
    Pass one input for each need; with the original, use a version that does so or run locally. Do not use
    another input name in the query: it would join a DataFrame with itself.

Example:
    `join` needs `extract-orders` and `extract-customers`; `commands.jsonl` has one input.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import error_evidence, input_evidence
from osiris_inspect.inspector.diagnosis.evidence.missing_input import (
    error_reports_missing_input,
    failed_for_missing_input,
    requested_step,
    resolved_inputs,
)
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity

NEEDS = ("steps",)
EXPLAINS = ("input-not-found", "input-name-mismatch")
TEMPLATE = FindingTemplate(Severity.ERROR, "code", "pass one input for each need")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find requests with fewer inputs than needs, and steps that failed for lack of an unrequested input."""
    needs = {step.id: step.needs for step in run.manifest.steps} if run.manifest else {}
    for request in run.worker_requests:
        requested = {reference.from_step for reference in request.inputs.values()}
        lost = [need for need in needs.get(request.step, ()) if need not in requested]
        names = ", ".join(map(repr, lost))
        step = run.step(request.step)
        evidence = Evidence(request.file, request.line, "inputs")
        if step is None or _missed_need(step, run) not in lost:
            if requested and lost:
                message = f"was not given {names}, which it needs"
                yield TEMPLATE.finding(message, evidence, step=request.step, severity=Severity.WARNING)
            elif not requested and step is not None and failed_for_missing_input(step):
                reason = f"{names}, but received no input" if lost else "an input, but none was requested"
                yield TEMPLATE.finding(f"needs {reason}", evidence, *error_evidence(step), step=request.step)
    for step in run.steps:
        need = _missed_need(step, run)
        if need is not None:
            yield _missed(run, step, need)


def _missed_need(step: StepState, run: Run) -> str | None:
    """Return the need that a failed step requested, if it was available and not logged as passed."""
    producer = requested_step(step, run) if error_reports_missing_input(step) else None
    if producer is None or producer.status != "succeeded" or producer.id not in step.needs:
        return None
    has_input = any(entry.line for entry in resolved_inputs(step))
    return producer.id if has_input and all(entry.from_step != producer.id for entry in step.inputs) else None


def _missed(run: Run, step: StepState, need: str) -> Finding:
    requests = [
        Evidence(request.file, request.line, "inputs")
        for request in run.worker_requests
        if request.step == step.id
    ]
    inputs = [entry for entry in resolved_inputs(step) if entry.line]
    names = ", ".join(f"{entry.name!r} ({entry.from_step})" for entry in inputs)
    return TEMPLATE.finding(
        f"requested the output of {need!r}, which it needs, but received only {names}",
        *error_evidence(step),
        *requests,
        *input_evidence(*inputs),
        step=step.id,
        confidence=Confidence.HIGH if requests else Confidence.MEDIUM,
        fix=f"pass the output of {need!r} to the step; do not rename another input",
    )

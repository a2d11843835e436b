"""A step needs a frame and was not given it.

What it finds:
    A step whose host asked for fewer inputs than the manifest has needs, or that failed for want of an input that
    nobody had asked for. Where the requests were not kept: a step that got one of its inputs and failed for want of
    another, of which the log says nothing although the step upstream has done its work.

Why it matters:
    The original's proxy passes the first need only. A join then fails, or works on half of its data and calls it a
    success.

How to fix:
    Pass one input for each need; with the original use a version that does so, or run locally. Do not write another
    name into the query: it would join a frame with itself.

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
RANK = 26
TEMPLATE = FindingTemplate(Severity.ERROR, "code", "pass one input for each need")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find requests with fewer inputs than needs, and steps that failed because an input was not requested."""
    needs = {step.id: step.needs for step in run.manifest.steps} if run.manifest else {}
    for request in run.worker_requests:
        requested = {reference.from_step for reference in request.inputs.values()}
        lost = [need for need in needs.get(request.step, ()) if need not in requested]
        names = ", ".join(map(repr, lost))
        step = run.step(request.step)
        evidence = Evidence(request.file, request.line, "inputs")
        if step is None or _missed_need(step, run) not in lost:
            if requested and lost:
                message = f"the step needs {names} as well, and was not given it"
                yield TEMPLATE.finding(message, evidence, step=request.step, severity=Severity.WARNING)
            elif not requested and step is not None and failed_for_missing_input(step):
                reason = f"{names}, and was given nothing" if lost else "an input, and none was asked for"
                yield TEMPLATE.finding(
                    f"the step needs {reason}", evidence, *error_evidence(step), step=request.step
                )
    for step in run.steps:
        need = _missed_need(step, run)
        if need is not None:
            yield _missed(run, step, need)


def _missed_need(step: StepState, run: Run) -> str | None:
    """Return the need that a failed step requested, if it was available and the log does not say that it was passed."""
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
        f"the step looks for the frame of {need!r}, which it needs, and was given {names} only",
        *error_evidence(step),
        *requests,
        *input_evidence(*inputs),
        step=step.id,
        confidence=Confidence.HIGH if requests else Confidence.MEDIUM,
        fix=f"pass the frame of {need!r} to the step as well; another one under its name would be wrong data",
    )

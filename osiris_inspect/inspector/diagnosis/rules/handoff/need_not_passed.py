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

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import error_evidence
from osiris_inspect.inspector.diagnosis.evidence.missing_input import failed_for_missing_input, requested_step
from osiris_inspect.inspector.run.error_phrases import reports_missing_input
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState, WorkerRequest
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity
from osiris_inspect.model.run_layout import EVENTS

NEEDS = ("steps",)
RANK = 26


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Requests with fewer inputs than needs, and steps that starved because nobody asked for an input."""
    needs = {step.id: step.needs for step in run.manifest.steps} if run.manifest else {}
    for request in run.worker_requests:
        asked = {reference.from_step for reference in request.inputs.values()}
        lost = [need for need in needs.get(request.step, ()) if need not in asked]
        step = run.step(request.step)
        if step is not None and _sought(step, run) in lost:
            continue  # told below: what is missing is what the step failed for
        if asked and lost:
            yield _finding(request, Severity.WARNING, f"{_list(lost)} as well, and was not given it")
        elif not asked and step is not None and failed_for_missing_input(step):
            said = f"{_list(lost)}, and was given nothing" if lost else "an input, and none was asked for"
            yield _finding(request, Severity.ERROR, said, error_evidence(step))
    for step in run.steps:
        need = _sought(step, run)
        if need is not None:
            yield _missed(run, step, need)


def _sought(step: StepState, run: Run) -> str | None:
    """The need whose frame a failed step looked for, which was there to be had and which nothing says it was passed."""
    if step.failure is None or not reports_missing_input(step.failure.message):
        return None
    sought = requested_step(step, run)
    if sought is None or sought.status != "succeeded" or sought.id not in step.needs:
        return None
    got_another = any(entry.line and entry.location != "unresolved" for entry in step.inputs)
    looked_for = any(entry.from_step == sought.id for entry in step.inputs)
    return sought.id if got_another and not looked_for else None


def _missed(run: Run, step: StepState, need: str) -> Finding:
    asked = [
        Evidence(request.file, request.line, "inputs")
        for request in run.worker_requests
        if request.step == step.id
    ]
    got = [entry for entry in step.inputs if entry.line and entry.location != "unresolved"]
    names = ", ".join(f"{entry.name!r} ({entry.from_step})" for entry in got)
    return Finding(
        rule="need-not-passed",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH if asked else Confidence.MEDIUM,
        domain="code",
        message=f"the step looks for the frame of {need!r}, which it needs, and was given {names} only",
        evidence=(*error_evidence(step), *asked, *(Evidence(EVENTS, entry.line, "rows") for entry in got)),
        step=step.id,
        fix=f"pass the frame of {need!r} to the step as well; another one under its name would be wrong data",
    )


def _list(steps: list[str]) -> str:
    return ", ".join(map(repr, steps))


def _finding(
    request: WorkerRequest, severity: Severity, said: str, more: tuple[Evidence, ...] = ()
) -> Finding:
    return Finding(
        rule="need-not-passed",
        severity=severity,
        confidence=Confidence.HIGH,
        domain="code",
        message=f"the step needs {said}",
        evidence=(Evidence(request.file, request.line, "inputs"), *more),
        step=request.step,
        fix="pass one input for each need",
    )

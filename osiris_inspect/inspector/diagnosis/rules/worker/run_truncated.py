"""The log of a run stops before its end.

What it finds:
    A run whose end was never logged, or a step that began and has no end.

Why it matters:
    The process was killed, ran out of memory or time, or its machine went away. Nothing says whether what the step was
    doing took effect.

How to fix:
    Look at the step that was running: give it more time or memory. Then run again; a writer may have written a part.
    Where the status file tells a good end, or lines of the log cannot be read, see what became of the file first.

Example:
    `step_start` of `extract-slow` is the last thing its worker said, and the host says
    `Batch execution timed out after 20 seconds`.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import (
    event_evidence,
    first_line_evidence,
    status_evidence,
)
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.reader.raw_run import TRUNCATED_LINE
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity
from osiris_inspect.model.run_layout import EVENTS
from osiris_inspect.model.status import Status

NEEDS = ()
RANK = 70
TEMPLATE = FindingTemplate(
    Severity.ERROR,
    "infra",
    "see what ended the process: memory, a time limit, a signal; then run again",
    stage="finish",
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Report the steps that were running when the log stopped, or the run if none was."""
    if run.status != "truncated":
        return
    running = [step for step in run.steps if step.status == "running"]
    status = run.status_file
    if status is not None and (status.ok is True or status.is_upstream_false_alarm):
        yield _truncated_file(run, status)
    elif running:
        yield from (_running_step(run, step) for step in running)
    else:
        reason = "the log stops before the end of the run" if run.events else "the log holds no event"
        evidence = _end_evidence(run) or first_line_evidence(run)
        yield TEMPLATE.finding(f"{reason}{_last_error(run)}", *evidence)


def _running_step(run: Run, step: StepState) -> Finding:
    """Report a running step, with low confidence if a later line could not be read: it may contain the end."""
    unread = next(
        (
            entry
            for entry in run.unreadable
            if entry.file == EVENTS
            and entry.line > step.line_range[1]
            and not entry.reason.startswith(TRUNCATED_LINE)
        ),
        None,
    )
    if unread is None:
        started = [event_evidence(event) for event in run.events_named("step_start", step=step.id)]
        message = f"the log stops while step {step.id!r} is running{_last_error(run)}"
        return TEMPLATE.finding(message, *started[-1:], *_end_evidence(run), step=step.id, stage="step")
    return TEMPLATE.finding(
        f"what can be read of the log stops while step {step.id!r} is running; line {unread.line:,} could not be "
        f"read, and may be its end ({unread.reason})",
        Evidence(unread.file, unread.line, ""),
        step=step.id,
        stage="step",
        confidence=Confidence.LOW,
        fix=f"read line {unread.line:,} of {unread.file} by other means, and shorten what is logged",
    )


def _truncated_file(run: Run, status: Status) -> Finding:
    """Report a log without the successful end that the status file, which is written last, records."""
    done, total = status.steps_completed, status.steps_total
    steps = f" with {done} of {total} steps" if done and total else ""
    evidence = (*_end_evidence(run), *status_evidence(run, "exit_code"), *status_evidence(run, "ok"))
    return TEMPLATE.finding(
        f"{EVENTS} stops before the end of the run, and status.json tells of a good end{steps}: "
        "the file was cut, not the run",
        *(evidence or first_line_evidence(run)),
        confidence=Confidence.MEDIUM,
        fix="look for what cut the file: a copy that was interrupted, a rotation, a full disk; read the whole one",
    )


def _last_error(run: Run) -> str:
    if run.failure is not None:
        return f"; the host says: {excerpt(' '.join(run.failure.message.split()), 120)}"
    errors = run.truncated_errors
    return f"; the last error is: {excerpt(' '.join(errors[-1].line.text.split()), 160)}" if errors else ""


def _end_evidence(run: Run) -> tuple[Evidence, ...]:
    if run.failure is not None:
        error = Evidence(run.failure.file, run.failure.line, run.failure.message[:120])
        return (error, *status_evidence(run, "reason"))
    errors = [Evidence(line.file, line.line, line.text[:120]) for line, _ in run.truncated_errors[-1:]]
    return (*([event_evidence(run.events[-1])] if run.events else []), *errors)

"""The log of a run ended before the run did.

What it finds:
    A run without a logged end, or a step that started and has no end.

Why it matters:
    The process was killed, ran out of memory or time, or its machine was lost. The log does not show whether
    the work of the step took effect.

How to fix:
    Check the step that was running: give it more time or memory, then run again. A writer may have written
    some rows. If the status file reports success, or lines of the log cannot be read, check the file first.

Example:
    `step_start` of `extract-slow` is the last event of its worker, and the host logs
    `Batch execution timed out after 20 seconds`.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import (
    event_evidence,
    first_line_evidence,
    status_evidence,
    unread_line_after,
)
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity
from osiris_inspect.model.run_layout import EVENTS
from osiris_inspect.model.status import Status

NEEDS = ()
IS_GENERAL = True
TEMPLATE = FindingTemplate(
    Severity.ERROR,
    "infra",
    "find out what ended the process (memory, time limit, signal), then run again",
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
        yield _cut_run(run)


def _cut_run(run: Run) -> Finding:
    """Report a log without an end; an unreadable line at its end, which may be the end, lowers the confidence."""
    evidence = _end_evidence(run) or first_line_evidence(run)
    if not run.events:
        return TEMPLATE.finding(f"the log contained no events{_last_error(run)}", *evidence)
    unread = unread_line_after(run, run.events[-1].line)
    if unread is None:
        return TEMPLATE.finding(f"the log ended before the run did{_last_error(run)}", *evidence)
    return TEMPLATE.finding(
        f"the readable part of the log ended before the run did; line {unread.line:,} could not be read and may "
        f"contain its end ({unread.reason}){_last_error(run)}",
        *evidence,
        Evidence(unread.file, max(unread.line, 1), ""),
        confidence=Confidence.LOW,
    )


def _running_step(run: Run, step: StepState) -> Finding:
    """Report a running step; an unreadable later line, which may contain its end, lowers the confidence."""
    unread = unread_line_after(run, step.line_range[1])
    if unread is None:
        started = [event_evidence(event) for event in run.events_named("step_start", step=step.id)]
        message = f"the log ended while step {step.id!r} was running{_last_error(run)}"
        return TEMPLATE.finding(message, *started[-1:], *_end_evidence(run), step=step.id, stage="step")
    return TEMPLATE.finding(
        f"the readable part of the log ended while step {step.id!r} was running; line {unread.line:,} could not be "
        f"read and may contain its end ({unread.reason})",
        Evidence(unread.file, unread.line, ""),
        step=step.id,
        stage="step",
        confidence=Confidence.LOW,
        fix=f"read line {unread.line:,} of {unread.file} with another tool, and shorten what the step logs",
    )


def _truncated_file(run: Run, status: Status) -> Finding:
    """Report a log without the successful end that the status file, which is written last, records."""
    done, total = status.steps_completed, status.steps_total
    steps = f" with {done} of {total} steps" if done and total else ""
    evidence = (*_end_evidence(run), *status_evidence(run, "exit_code"), *status_evidence(run, "ok"))
    return TEMPLATE.finding(
        f"{EVENTS} ended before the run did, but status.json reports success{steps}: "
        "the file was truncated, not the run",
        *(evidence or first_line_evidence(run)),
        confidence=Confidence.MEDIUM,
        fix="check for an interrupted copy, a log rotation or a full disk, then read the complete file",
    )


def _last_error(run: Run) -> str:
    if run.failure is not None:
        return f"; the host reported: {excerpt(' '.join(run.failure.message.split()), 120)}"
    errors = run.truncated_errors
    return f"; the last error was: {excerpt(' '.join(errors[-1].line.text.split()), 160)}" if errors else ""


def _end_evidence(run: Run) -> tuple[Evidence, ...]:
    if run.failure is not None:
        error = Evidence(run.failure.file, run.failure.line, run.failure.message[:120])
        return (error, *status_evidence(run, "reason"))
    errors = [Evidence(line.file, line.line, line.text[:120]) for line, _ in run.truncated_errors[-1:]]
    return (*([event_evidence(run.events[-1])] if run.events else []), *errors)

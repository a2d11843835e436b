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

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import (
    event_evidence,
    first_line_evidence,
    status_evidence,
)
from osiris_inspect.inspector.reader.raw_run import TRUNCATED_LINE
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, UnreadableInput
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity
from osiris_inspect.model.run_layout import EVENTS

NEEDS = ()
RANK = 70


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """The steps that were running when the log stopped, or the run itself where none was."""
    if run.status != "truncated":
        return
    running = [step for step in run.steps if step.status == "running"]
    if _ended_well(run):
        yield _cut_file(run)
        return
    for step in running:
        begun = [event_evidence(event) for event in run.events_named("step_start", step=step.id)][-1:]
        where = f"while step {step.id!r} is running"
        unread = _unread_after(run, step.line_range[1])
        if unread is not None:
            yield _perhaps_cut(unread, where, step.id)
        else:
            yield _finding(f"the log stops {where}{_said(run)}", (*begun, *_end(run)), step.id)
    if not running:
        what = "the log stops before the end of the run" if run.events else "the log holds no event"
        yield _finding(f"{what}{_said(run)}", _end(run) or first_line_evidence(run), None)


def _ended_well(run: Run) -> bool:
    """Whether the status file, which is written last, tells of an end that the log does not have."""
    status = run.status_file
    return status is not None and (status.ok is True or status.is_upstream_false_alarm)


def _unread_after(run: Run, line: int) -> UnreadableInput | None:
    """A line behind the last one of a step that could not be read, other than one cut off at the end."""
    return next(
        (
            entry
            for entry in run.unreadable
            if entry.file == EVENTS and entry.line > line and not entry.reason.startswith(TRUNCATED_LINE)
        ),
        None,
    )


def _said(run: Run) -> str:
    if run.failure is not None:
        return f"; the host says: {excerpt(' '.join(run.failure.message.split()), 120)}"
    words = run.truncated_errors
    return f"; the last error is: {excerpt(' '.join(words[-1].line.text.split()), 160)}" if words else ""


def _end(run: Run) -> tuple[Evidence, ...]:
    if run.failure is not None:
        return (
            Evidence(run.failure.file, run.failure.line, run.failure.message[:120]),
            *status_evidence(run, "reason"),
        )
    said = [Evidence(line.file, line.line, line.text[:120]) for line, _ in run.truncated_errors[-1:]]
    return (*([event_evidence(run.events[-1])] if run.events else []), *said)


def _finding(message: str, evidence: tuple[Evidence, ...], step: str | None) -> Finding:
    return Finding(
        rule="run-truncated",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        domain="infra",
        message=message,
        evidence=evidence,
        step=step,
        stage="step" if step else "finish",
        fix="see what ended the process: memory, a time limit, a signal; then run again",
    )


def _cut_file(run: Run) -> Finding:
    status = run.status_file
    counted = status is not None and status.steps_total and status.steps_completed
    steps = f" with {counted} of {status.steps_total} steps" if status is not None and counted else ""
    return Finding(
        rule="run-truncated",
        severity=Severity.ERROR,
        confidence=Confidence.MEDIUM,
        domain="infra",
        message=f"{EVENTS} stops before the end of the run, and status.json tells of a good end{steps}: "
        "the file was cut, not the run",
        evidence=(*_end(run), *status_evidence(run, "exit_code"), *status_evidence(run, "ok"))
        or first_line_evidence(run),
        stage="finish",
        fix="look for what cut the file: a copy that was interrupted, a rotation, a full disk; read the whole one",
    )


def _perhaps_cut(unread: UnreadableInput, where: str, step: str) -> Finding:
    return Finding(
        rule="run-truncated",
        severity=Severity.ERROR,
        confidence=Confidence.LOW,
        domain="infra",
        message=f"what can be read of the log stops {where}; line {unread.line:,} could not be read, "
        f"and may be its end ({unread.reason})",
        evidence=(Evidence(unread.file, unread.line, ""),),
        step=step,
        fix=f"read line {unread.line:,} of {unread.file} by other means, and shorten what is logged",
    )

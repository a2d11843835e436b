"""The log of a run stops before its end.

What it finds:
    A run whose end was never logged, or a step that began and has no end.

Why it matters:
    The process was killed, ran out of memory or time, or its machine went away. Nothing says whether what the step was
    doing took effect.

How to fix:
    Look at the step that was running: give it more time or memory. Then run again; a writer may have written a part.

Example:
    `step_start` of `extract-slow` is the last thing its worker said, and the host says
    `Batch execution timed out after 20 seconds`.
"""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.evidence.cite import at, first_line, in_status
from osiris_inspect.inspector.lineage import Lineage
from osiris_inspect.inspector.run import Run
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity

NEEDS: Final = ()
RANK: Final = 70


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """The steps that were running when the log stopped, or the run itself where none was."""
    if run.status != "truncated":
        return
    running = [step for step in run.steps if step.status == "running"]
    for step in running:
        begun = [at(event) for event in run.named("step_start", step=step.id)][-1:]
        yield _finding(
            run, f"the log stops while step {step.id!r} is running{_said(run)}", (*begun, *_end(run)), step.id
        )
    if not running:
        yield _finding(run, f"the log stops before the end of the run{_said(run)}", _end(run), None)


def _said(run: Run) -> str:
    return f"; the host says: {run.failure.message[:120]}" if run.failure is not None else ""


def _end(run: Run) -> tuple[Evidence, ...]:
    if run.failure is not None:
        return (
            Evidence(run.failure.file, run.failure.line, run.failure.message[:120]),
            *in_status(run, "reason"),
        )
    return (at(run.events[-1]),) if run.events else first_line(run)


def _finding(run: Run, message: str, evidence: tuple[Evidence, ...], step: str | None) -> Finding:
    return Finding(
        rule="run-truncated",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        domain="infra",
        message=message,
        evidence=evidence or first_line(run),
        step=step,
        stage="step" if step else "finish",
        fix="see what ended the process: memory, a time limit, a signal; then run again",
    )

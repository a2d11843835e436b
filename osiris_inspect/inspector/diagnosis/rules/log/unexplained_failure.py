"""A step or a run failed, and no other rule knows why.

What it finds:
    Every failure; it is kept only where no other finding explains it.

Why it matters:
    A failed run has always at least one finding, and the number of these is what the rules do not know yet.

How to fix:
    Read the error and the lines before it.

Example:
    `RuntimeError: something new`
"""

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import error_evidence, first_line_evidence
from osiris_inspect.inspector.diagnosis.evidence.error_text import error_texts, raised_at
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity, Stage

NEEDS = ()
RANK = 99


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Each failed step, and the run itself where it failed outside of a step."""
    if run.status not in ("failed", "compile_failed", "truncated"):
        return
    is_cut = run.status == "truncated"
    for told in error_texts(run):
        step = run.step(told.step) if told.step else None
        if is_cut and (step is None or step.failure is None):
            return  # what the run itself says is told where it was cut off
        # a step that was running when the run failed has no failure of its own
        evidence = (error_evidence(step) if step else ()) or (told.evidence(told.text[:160]),)
        yield _finding(_text(told.text, step), evidence, told.step, told.stage)
    if not is_cut and run.failure is None and not any(step.failure for step in run.steps):
        yield _finding("no reason was logged", first_line_evidence(run), None, "finish")


def _text(text: str, step: StepState | None) -> str:
    """The error, with the class that its text does not name and the last line of code that the traceback does."""
    failure = step.failure if step is not None else None
    line = excerpt(text.strip().partition("\n")[0], 240)
    if failure is None:
        return line
    kind = f"{failure.type}: " if failure.type and failure.type not in line else ""
    return f"{kind}{line}{raised_at(failure)}"


def _finding(text: str, evidence: tuple[Evidence, ...], step: str | None, stage: Stage) -> Finding:
    return Finding(
        rule="unexplained-failure",
        severity=Severity.ERROR,
        confidence=Confidence.LOW,
        domain="code",
        message=f"failed: {text}",
        evidence=evidence,
        step=step,
        stage=stage,
        fix="read the error and what stands before it",
    )

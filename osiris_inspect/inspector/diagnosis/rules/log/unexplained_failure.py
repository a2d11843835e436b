"""A step or a run failed, and no other rule explains it.

What it finds:
    Every failure; the finding is kept only if no other finding explains it.

Why it matters:
    A failed run always has at least one finding, and the number of these shows what the rules do not cover.

How to fix:
    Read the error and the log lines before it.

Example:
    `RuntimeError: something new`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import error_evidence, first_line_evidence
from osiris_inspect.inspector.diagnosis.evidence.error_text import final_errors, raised_at
from osiris_inspect.inspector.diagnosis.evidence.headline import with_cause
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ()
IS_GENERAL = True
TEMPLATE = FindingTemplate(
    Severity.ERROR, "code", "read the error and the log lines before it", Confidence.LOW
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Report each failed step, and the run itself if it failed outside of a step."""
    if run.status not in ("failed", "compile_failed", "truncated", "interrupted"):
        return
    for error in final_errors(run):
        step = run.step(error.step or "")
        failure = step.failure if step is not None else None
        if run.status in ("truncated", "interrupted") and failure is None:
            return  # other rules report the error of the run itself
        # a step that was running when the run failed has no failure of its own
        evidence = (error_evidence(step) if step else ()) or (error.evidence(error.text[:160]),)
        place = raised_at(failure) if failure is not None else ""
        headline = with_cause(error.headline(), error.causes)
        yield TEMPLATE.finding(f"{headline}{place}", *evidence, step=error.step, stage=error.stage)
    if (
        run.status not in ("truncated", "interrupted")
        and run.failure is None
        and not any(step.failure for step in run.steps)
    ):
        yield TEMPLATE.finding("failed, and no reason was logged", *first_line_evidence(run), stage="finish")

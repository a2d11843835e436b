"""A step of the pipeline was never begun, and nothing says why.

What it finds:
    A run that ended with fewer steps than it has, where no step failed and none was skipped for a reason.

Why it matters:
    Everything that ran is green, and a part of the result is missing.

How to fix:
    See what the worker was asked to run; begin again with the whole pipeline.

Example:
    `status.json` says `Completed 2/3 steps`, and `write-stats` left no trace.
"""

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import manifest_evidence, status_evidence
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("manifest", "steps")
RANK = 68


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """The first step that was not begun in a run that ended without a failed step."""
    done = [step for step in run.steps if step.status == "succeeded"]
    idle = [step for step in run.steps if step.status == "not_started" and step.skipped_because is None]
    failed = any(step.status in ("failed", "running") for step in run.steps)
    if run.status != "failed" or run.failed_stage != "finish" or failed or not done or not idle:
        return
    yield Finding(
        rule="step-not-run",
        severity=Severity.ERROR,
        confidence=Confidence.MEDIUM,
        domain="infra",
        message=f"the run ended, and {', '.join(repr(step.id) for step in idle[:5])} had not been begun",
        evidence=(manifest_evidence(run, idle[0].id), *status_evidence(run, "reason")),
        step=idle[0].id,
        fix="see what the worker was asked to run, and run the whole pipeline again",
    )

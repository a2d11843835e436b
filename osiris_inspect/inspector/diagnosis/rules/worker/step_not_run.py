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

from osiris_inspect.inspector.diagnosis.evidence.citations import manifest_evidence, status_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("manifest", "steps")
RANK = 68
TEMPLATE = FindingTemplate(
    Severity.ERROR,
    "infra",
    "see what the worker was asked to run, and run the whole pipeline again",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Report the first step that was not started in a failed run without a failed step."""
    statuses = {step.status for step in run.steps}
    idle = [step for step in run.steps if step.status == "not_started" and step.skipped_because is None]
    if run.status != "failed" or run.failed_stage != "finish" or not idle:
        return
    if "succeeded" in statuses and not statuses & {"failed", "running"}:
        yield TEMPLATE.finding(
            f"the run ended, and {', '.join(repr(step.id) for step in idle[:5])} had not been begun",
            manifest_evidence(run, idle[0].id),
            *status_evidence(run, "reason"),
            step=idle[0].id,
        )

"""A step of the pipeline never started, without a logged reason.

What it finds:
    A run that ended with fewer steps than planned, although no step failed or was skipped for a reason.

Why it matters:
    Every step that ran succeeded, but a part of the result is missing.

How to fix:
    Check the commands sent to the worker, and run the whole pipeline again.

Example:
    `status.json` reports `Completed 2/3 steps`, and `write-stats` logged nothing.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import manifest_evidence, status_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("manifest", "steps")
IS_GENERAL = True
TEMPLATE = FindingTemplate(
    Severity.ERROR,
    "infra",
    "check the commands sent to the worker, then run the whole pipeline again",
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
            f"the run ended before {', '.join(repr(step.id) for step in idle[:5])} started",
            manifest_evidence(run, idle[0].id),
            *status_evidence(run, "reason"),
            step=idle[0].id,
        )

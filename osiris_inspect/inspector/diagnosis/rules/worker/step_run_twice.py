"""A step ran more than once.

What it finds:
    A step with several starts that the manifest contains once, and that the runtime did not retry.

Why it matters:
    A repeated write duplicates rows, and a wrong count of completed steps marks a successful run as failed.

How to fix:
    Check for a retry or a duplicate command.

Example:
    `"reason": "Completed 4/3 steps"`
"""

from collections import Counter

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.reader.step_builder import in_order
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("step_start",)
IS_GENERAL = True
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "code",
    "check for a retry or a duplicate command, and the target for duplicate rows",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find steps with more starts than entries in the manifest and retries."""
    planned = Counter(step.id for step in run.manifest.steps) if run.manifest else Counter[str]()
    retries = {step.id: step.retries for step in run.steps}
    starts = in_order(run.events_named("step_start"))
    for step, count in Counter(event.step for event in starts if event.step is not None).items():
        if count > max(1, planned[step]) + retries.get(step, 0):
            explains_failure = run.status == "failed" and run.failed_stage == "finish"
            yield TEMPLATE.finding(
                f"started {count} times",
                *(event_evidence(event) for event in run.events_named("step_start", step=step)[:3]),
                step=step,
                severity=Severity.ERROR if explains_failure else None,
            )

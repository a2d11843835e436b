"""A step was run more than once.

What it finds:
    A step with several starts, although the manifest has it once.

Why it matters:
    A repeated write doubles rows, and the count of completed steps no longer fits, so a good run calls itself failed.

How to fix:
    See what asked for the step again: a retry, or a request that was sent twice.

Example:
    `"reason": "Completed 4/3 steps"`
"""

from collections import Counter
from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.reader.step_builder import in_order
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("step_start",)
RANK = 66


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Steps with more starts than the manifest has entries for them."""
    planned = Counter(step.id for step in run.manifest.steps) if run.manifest else Counter[str]()
    started = Counter(
        event.step for event in in_order(run.events_named("step_start")) if event.step is not None
    )
    for step, count in started.items():
        if count <= max(1, planned[step]):
            continue
        blamed = run.status == "failed" and run.failed_stage == "finish"
        yield Finding(
            rule="step-run-twice",
            severity=Severity.ERROR if blamed else Severity.WARNING,
            confidence=Confidence.MEDIUM,
            domain="code",
            message=f"the step was started {count} times",
            evidence=tuple(event_evidence(event) for event in run.events_named("step_start", step=step)[:3]),
            step=step,
            fix="see what asked for the step again, and whether its rows were written twice",
        )

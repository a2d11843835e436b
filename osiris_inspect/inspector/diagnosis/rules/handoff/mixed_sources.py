"""A resumed run mixes frames of two states of a source.

What it finds:
    A step of a resumed run that returned another frame than in the earlier run, while frames of the earlier run were
    taken over. `resume --allow-mixed` allowed it.

Why it matters:
    A step that takes frames of both states reads rows that never existed at the same time.

How to fix:
    Run the whole pipeline again, unless the difference does not matter.

Example:
    `"event": "source_changed", "step_id": "extract-orders", "run": "run_1759170586030", "rows": 2013`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.event import step_name
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("source_changed",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "run the whole pipeline again, unless the difference does not matter",
    Confidence.HIGH,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find steps that returned another frame than in the run that is continued."""
    for event in run.events_named("source_changed"):
        earlier = step_name(event.fields.get("run")) or "the earlier run"
        yield TEMPLATE.finding(
            f"returned another frame than in {earlier}, so the run reads rows of two states of its sources",
            event_evidence(event, "fingerprint"),
            step=event.step,
        )

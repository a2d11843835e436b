"""A step succeeded after an attempt that was lost with its machine.

What it finds:
    A successful step whose earlier attempt ended with the machine that ran it.

Why it matters:
    The run is complete. The step took longer, and a cluster that loses machines often will lose one during a writer,
    which is not repeated.

How to fix:
    Ask those who run the cluster why the machine left: memory, a shutdown of a cheap instance, the network.

Example:
    `"event": "step_lost", "step_id": "clean", "attempt": 1, "node": "w1", "error": "the machine left the cluster"`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.units import pluralize
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("steps",)
SEARCHES = ("step_lost",)
TEMPLATE = FindingTemplate(
    Severity.NOTE, "infra", "find out why the machine left the cluster", Confidence.HIGH
)
_MAX_CITED = 3


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find successful steps with lost attempts."""
    for step in run.steps:
        lost = run.events_named("step_lost", step=step.id)
        if step.status != "succeeded" or not lost:
            continue
        machines = dict.fromkeys(event.node for event in lost if event.node is not None)
        names = f" with {', '.join(machines)}" if machines else ""
        yield TEMPLATE.finding(
            f"succeeded at attempt {step.retries + 1}; {pluralize(len(lost), 'attempt')} before "
            f"{'was' if len(lost) == 1 else 'were'} lost{names}",
            *map(event_evidence, lost[:_MAX_CITED]),
            step=step.id,
        )

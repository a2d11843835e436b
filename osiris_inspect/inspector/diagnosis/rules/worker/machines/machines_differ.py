"""The machines of a cluster have different packages or different isolation.

What it finds:
    Workers of one run that report different versions of Python or packages, or a different isolation, on different
    machines.

Why it matters:
    A step succeeds on one machine and fails on another, or gives other values there.

How to fix:
    Install the same packages on all machines, for example from one image or lock file.

Example:
    `w1` has pandas 3.1.0 and `w2` has pandas 3.0.2
"""

from collections.abc import Mapping

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.sanitize import one_line
from osiris_inspect.model.event import Event
from osiris_inspect.model.finding import Severity

NEEDS = ("steps",)
SEARCHES = ("cluster",)
TEMPLATE = FindingTemplate(
    Severity.WARNING, "infra", "install the same packages on all machines of the cluster", stage="prepare"
)
_MAX_NAMED = 3


def check(run: Run, _lineage: Lineage) -> Findings:
    """Compare the environments that the workers of different machines report."""
    by_node = {event.node: event for event in run.events_named("environment") if event.node is not None}
    events = list(by_node.values())
    for other in events[1:]:
        differences = _differences(events[0], other)
        if differences:
            more = f" and {len(differences) - _MAX_NAMED} more" if len(differences) > _MAX_NAMED else ""
            yield TEMPLATE.finding(
                f"machines {one_line(events[0].node or '')} and {one_line(other.node or '')} differ: "
                f"{', '.join(differences[:_MAX_NAMED])}{more}",
                event_evidence(events[0]),
                event_evidence(other),
            )
            return


def _differences(first: Event, second: Event) -> list[str]:
    values = _facts(first), _facts(second)
    names = dict.fromkeys((*values[0], *values[1]))
    return [
        f"{name} {values[0].get(name, 'missing')} and {values[1].get(name, 'missing')}"
        for name in names
        if values[0].get(name) != values[1].get(name)
    ]


def _facts(event: Event) -> Mapping[str, str]:
    packages = event.fields.get("packages")
    facts = {name: event.fields.get(name) for name in ("python", "packages_sha256", "isolation")}
    facts |= packages if isinstance(packages, Mapping) else {}
    return {name: one_line(str(value)) for name, value in facts.items() if value is not None}

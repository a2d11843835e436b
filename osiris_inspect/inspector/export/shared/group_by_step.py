"""What a report says, by step, so that a format goes through it once."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from osiris_inspect.inspector.run.lineage import Edge
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.model.finding import Finding


def findings_by_step(report: Report) -> Mapping[str | None, Sequence[Finding]]:
    """The findings of each step, and under None those about the run or about a step that it has not."""
    steps = {step.id for step in report.run.steps}
    found: dict[str | None, list[Finding]] = defaultdict(list)
    for finding in report.findings:
        found[finding.step if finding.step in steps else None].append(finding)
    return found


def edges_by_consumer(report: Report) -> Mapping[str, Sequence[Edge]]:
    """The frames that each step gets."""
    found: dict[str, list[Edge]] = defaultdict(list)
    for edge in report.lineage.edges:
        found[edge.consumer].append(edge)
    return found

"""Findings and edges of a report by step."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from osiris_inspect.inspector.run.lineage import Edge
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.model.finding import Finding


def findings_by_step(report: Report) -> Mapping[str | None, Sequence[Finding]]:
    """Return the findings by step; under None those about the run or an unknown step."""
    steps = {step.id for step in report.run.steps}
    groups: dict[str | None, list[Finding]] = defaultdict(list)
    for finding in report.findings:
        groups[finding.step if finding.step in steps else None].append(finding)
    return groups


def edges_by_consumer(report: Report) -> Mapping[str, Sequence[Edge]]:
    """Return the incoming edges by step."""
    groups: dict[str, list[Edge]] = defaultdict(list)
    for edge in report.lineage.edges:
        groups[edge.consumer].append(edge)
    return groups

"""Filters a report by the confidence of its findings."""

from dataclasses import replace

from osiris_inspect.inspector.run.report import Report
from osiris_inspect.model.finding import Confidence


def with_min_confidence(report: Report, least: str) -> Report:
    """Return the report without findings below a confidence; their consequences become causes."""
    rank = Confidence(least).rank
    findings = [finding for finding in report.findings if finding.confidence.rank <= rank]
    ids = {finding.id for finding in findings}
    return replace(
        report,
        findings=tuple(
            finding if finding.caused_by in ids else replace(finding, caused_by=None) for finding in findings
        ),
    )

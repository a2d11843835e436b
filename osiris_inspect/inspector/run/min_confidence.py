"""Which findings of a report are asked for."""

from dataclasses import replace

from osiris_inspect.inspector.run.report import Report
from osiris_inspect.model.finding import Confidence


def with_min_confidence(report: Report, least: str) -> Report:
    """The report without findings that are less sure than ``least``.

    What such a finding explained stands for itself then.
    """
    rank = Confidence(least).rank
    kept = [finding for finding in report.findings if finding.confidence.rank <= rank]
    addresses = {finding.id for finding in kept}
    freed = (
        finding if finding.caused_by in addresses else replace(finding, caused_by=None) for finding in kept
    )
    return replace(report, findings=tuple(freed))

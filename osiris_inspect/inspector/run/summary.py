"""The header of a report: counts, states and the one sentence that says how a run ended."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from osiris_inspect.inspector.run.lineage import Edge
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Finding

STATUS_WORDS = {
    "success": "succeeded",
    "failed": "failed",
    "truncated": "cut off",
    "running": "running",
    "compile_failed": "does not compile",
    "unreadable": "unreadable",
}
FAILED_STATUSES = frozenset({"failed", "truncated", "compile_failed", "unreadable"})
"""The statuses of a run that did not do what it was to do."""


class Summary(NamedTuple):
    """The figures of one report.

    Attributes:
        verdict: the status in words.
        steps: how many steps have each status, in the order of the statuses.
        findings: how many findings have each severity.
        rows: the rows the writers wrote; those of the last step where there is no writer; None where not told.
        unreadable_lines: lines and files that could not be read.
    """

    headline: str
    steps: Mapping[str, int]
    findings: Mapping[str, int]
    events: int
    rows: int | None
    unreadable_lines: int


def summarize(report: Report) -> Summary:
    """The figures of a report."""
    run = report.run
    return Summary(
        headline=STATUS_WORDS[run.status],
        steps=Counter(step.status for step in run.steps),
        findings=Counter(str(finding.severity) for finding in report.findings),
        events=len(run.events),
        rows=output_rows(report),
        unreadable_lines=sum(entry.count for entry in run.unreadable),
    )


def output_rows(report: Report) -> int | None:
    """The rows that left the run."""
    writers = [step.rows_out for step in report.run.steps if step.is_writer and step.rows_out is not None]
    if writers:
        return sum(writers)
    done = [step.rows_out for step in report.run.steps if step.status == "succeeded"]
    return done[-1] if done else None


def finding_scope(finding: Finding) -> str:
    """What a finding is about: a step, or a stage of the run."""
    return finding.step if finding.step is not None else f"({finding.stage})"


def location_label(edge: Edge, run: Run) -> str:
    """Where a frame was, in words; one that a step never gave, or that nobody came to ask for, was never made."""
    if edge.location != "unresolved":
        return edge.location
    ends = [step for step in run.steps if step.id in (edge.producer, edge.consumer)]
    unborn = any(
        step.status in ("skipped", "not_started") or (step.id == edge.producer and step.status == "failed")
        for step in ends
    )
    return "never made" if unborn else "not found"

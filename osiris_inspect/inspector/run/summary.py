"""Counts and states in the header of a report."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from osiris_inspect.inspector.run.lineage import Edge
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import MovedFrame, Run
from osiris_inspect.inspector.text.sanitize import one_line
from osiris_inspect.inspector.text.units import format_bytes
from osiris_inspect.model.finding import Finding
from osiris_inspect.model.run_types import RunStatus

STATUS_WORDS = {
    "success": "succeeded",
    "failed": "failed",
    "interrupted": "interrupted",
    "truncated": "cut off",
    "running": "running",
    "compile_failed": "does not compile",
    "unreadable": "unreadable",
}
FAILED_STATUSES = frozenset({"failed", "truncated", "compile_failed", "unreadable"})
"""The statuses of a run whose failure needs an explanation."""
INCOMPLETE_STATUSES = FAILED_STATUSES | {"interrupted"}
"""The statuses of a run that did not complete its work."""

_MAX_CAPTURES: Final = 4
"""Captured inputs that are named; the others are counted."""
_CAPTURE_REASONS: Final = {
    "worker gone": "the worker was gone; replay with --recompute, or run with --capture always",
    "interrupted": "the run ended before it was written; replay with --recompute, or run with --capture always",
    "over the limit": "larger than the limit; raise --capture-limit",
    "disk refused": "the disk refused; free space on it",
    "no frame": "the step before returned no such frame",
    "capture is off": "--capture never",
    "artifacts were not requested": "--artifacts none",
}


class Summary(NamedTuple):
    """The figures of one report.

    Attributes:
        headline: the status in words.
        steps: number of steps by status.
        findings: number of findings by severity.
        rows: rows of the writers, or of the last step if there is no writer; None if unknown.
        unreadable_lines: lines and files that could not be read.
        checks_passed, checks_failed: results of the checks of all steps.
    """

    headline: str
    steps: Mapping[str, int]
    findings: Mapping[str, int]
    events: int
    rows: int | None
    unreadable_lines: int
    checks_passed: int
    checks_failed: int


def summarize(report: Report) -> Summary:
    """Return the figures of a report."""
    run = report.run
    checks = Counter(entry.result.passed for step in run.steps for entry in step.checks)
    return Summary(
        headline=STATUS_WORDS[run.status],
        steps=Counter(step.status for step in run.steps),
        findings=Counter(str(finding.severity) for finding in report.findings),
        events=len(run.events),
        rows=output_rows(report),
        unreadable_lines=sum(entry.count for entry in run.unreadable),
        checks_passed=checks[True],
        checks_failed=checks[False],
    )


def output_rows(report: Report) -> int | None:
    """Return the rows that the run wrote; see ``Summary.rows``."""
    steps = [step for step in report.run.steps if step.status != "reused" and step.rows_out is not None]
    writers = [step.rows_out for step in steps if step.is_writer and step.rows_out is not None]
    if writers:
        return sum(writers)
    done = [step.rows_out for step in report.run.steps if step.status == "succeeded"]
    return done[-1] if done else None


def captured_inputs(run: Run) -> str:
    """Return which inputs of failed and skipped steps are on disk, and why others are not; empty if not recorded."""
    kept, missed = [], []
    for step in run.steps:
        for entry in step.captures:
            label = f"{step.id}.{entry.name}"
            if entry.reason is None:
                kept.append(f"{label} in {entry.path}" if entry.path else label)
            else:
                missed.append((entry.reason, label))
    texts = [f"kept {_listed(kept)}"] if kept else []
    for reason in dict.fromkeys(reason for reason, _ in missed):
        labels = [label for other, label in missed if other == reason]
        texts.append(f"not kept: {_listed(labels)} ({_CAPTURE_REASONS.get(reason, reason)})")
    return "; ".join(texts)


def _listed(labels: Sequence[str]) -> str:
    more = len(labels) - _MAX_CAPTURES
    return ", ".join(labels[:_MAX_CAPTURES]) + (f" and {more} more" if more > 0 else "")


def count_runs(statuses: Sequence[RunStatus]) -> str:
    """Return the number of runs, of failed and of interrupted ones: ``3 runs, 1 failed``."""
    failed = sum(status in FAILED_STATUSES for status in statuses)
    interrupted = statuses.count("interrupted")
    text = f"{len(statuses)} runs, {failed} failed"
    return f"{text}, {interrupted} interrupted" if interrupted else text


def finding_scope(finding: Finding) -> str:
    """Return the step of a finding, or its stage in parentheses."""
    return finding.step if finding.step is not None else f"({finding.stage})"


def _moved_label(moved: MovedFrame, producer: str | None, consumer: str | None) -> str:
    """Return how a frame came from another machine: ``moved w1 → w2, 12 MB``."""
    size = "" if moved.bytes is None else f", {format_bytes(moved.bytes)}"
    return f"moved {one_line(producer or '?')} → {one_line(consumer or '?')}{size}"


def location_label(edge: Edge, run: Run) -> str:
    """Return where a frame was, in words; ``never made`` if its producer or consumer did not run.

    An edge without a frame is ``order only``.
    """
    if edge.location == "order":
        return "order only"
    if edge.moved is not None:
        return _moved_label(edge.moved, *edge.nodes)
    if edge.location != "unresolved":
        return edge.location
    captures = next((step.captures for step in run.steps if step.id == edge.consumer), ())
    if any(entry.reason is None and entry.from_step == edge.producer for entry in captures):
        return "kept on disk"
    ends = [step for step in run.steps if step.id in (edge.producer, edge.consumer)]
    if any(step.id == edge.consumer and step.status == "reused" for step in ends):
        return "not read"
    never_made = any(
        step.status in ("skipped", "not_started")
        or (step.id == edge.producer and step.status in ("failed", "interrupted"))
        for step in ends
    )
    return "never made" if never_made else "not found"

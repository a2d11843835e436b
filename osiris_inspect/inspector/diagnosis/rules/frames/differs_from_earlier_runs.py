"""A run differs much from the last successful runs of its pipeline.

What it finds:
    A step that returned less than half or more than twice the rows of each of the last runs, which were alike; a column
    whose values are missing in many rows and were not before; a run that took more than five times as long. Only runs
    beside this one are compared: at least three, at most five.

Why it matters:
    Half an export, a source that was loaded twice, or a column that moved does not fail a step.

How to fix:
    Compare the source with that of the last run. If the difference is real, for example at the end of a month, allow
    this rule for the step.

Example:
    `extract-orders` returned 4,100 rows; the last 5 runs returned 9,800 to 10,100.
"""

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import (
    first_line_evidence,
    frame_evidence,
    rows_out_evidence,
)
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.units import format_duration
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("steps",)
MIN_RUNS = 3
MIN_LOGS = 2
MIN_ROWS = 20
MAX_SPREAD = 1.5
"""Earlier counts are alike if the largest is at most this many times the smallest."""
MAX_USUAL_NULLS = 0.05
MIN_NEW_NULLS = 0.3
SLOWER = 5
MIN_SECONDS_MORE = 60
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "compare the source with that of the last run; if the difference is real, allow this rule for the step",
    Confidence.MEDIUM,
)


def check(run: Run, lineage: Lineage) -> Findings:
    """Find steps and columns that differ from the last runs."""
    if run.status != "success":
        return
    unusual: set[str] = set()
    for step in run.steps:
        if unusual & set(lineage.upstream(step.id)):
            continue  # the first step that differs explains those after it
        finding = _rows(run, step) or _nulls(run, step)
        if finding is not None:
            unusual.add(step.id)
            yield finding
    yield from _duration(run)


def _rows(run: Run, step: StepState) -> Finding | None:
    before = [earlier.rows[step.id] for earlier in run.earlier_runs if earlier.rows.get(step.id)]
    if len(before) < MIN_RUNS or step.is_writer or not step.rows_out or min(before) < MIN_ROWS:
        return None
    low, high = min(before), max(before)
    if high > MAX_SPREAD * low or 0.5 * low <= step.rows_out <= 2 * high:
        return None
    usual = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    return TEMPLATE.finding(
        f"returned {step.rows_out:,} rows; the last {len(before)} runs returned {usual}",
        *rows_out_evidence(run, step),
        step=step.id,
    )


def _nulls(run: Run, step: StepState) -> Finding | None:
    frame = run.frames.get(step.id)
    if frame is None or frame.rows is None or frame.rows < MIN_ROWS:
        return None
    for column in frame.columns:
        before = [
            earlier.null_shares[step.id, column.name]
            for earlier in run.earlier_runs
            if (step.id, column.name) in earlier.null_shares
        ]
        share = (column.nulls or 0) / frame.rows
        if len(before) >= MIN_LOGS and max(before) <= MAX_USUAL_NULLS and MIN_NEW_NULLS <= share < 1:
            return TEMPLATE.finding(
                f"{column.name!r} has no value in {share:.0%} of the rows; in the last {len(before)} runs at most {max(before):.0%}",
                frame_evidence(frame, column.name),
                step=step.id,
            )
    return None


def _duration(run: Run) -> Iterator[Finding]:
    seconds = [earlier.seconds for earlier in run.earlier_runs if earlier.seconds is not None]
    known = [step.duration_s for step in run.steps if step.duration_s is not None]
    if len(seconds) < MIN_RUNS or len(known) < len(run.steps):
        return
    usual, total = max(seconds), sum(known)
    if total > SLOWER * usual and total - usual > MIN_SECONDS_MORE:
        yield TEMPLATE.finding(
            f"the steps took {format_duration(total)}; in the last {len(seconds)} runs at most {format_duration(usual)}",
            *first_line_evidence(run),
            severity=Severity.NOTE,
            stage="finish",
            fix="compare the durations of the steps with those of the last run",
        )

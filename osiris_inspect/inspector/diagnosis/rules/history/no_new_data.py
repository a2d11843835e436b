"""A source returned the data of an earlier run, while it returned other data in each run before.

What it finds:
    A source whose rows are equal, value by value, to those of the last run or of a run before it, while the runs before
    all differed from one another; or whose newest date is not later than in the last run, while it was later in each run
    before. At least three earlier runs with the same settings are needed. A run that was repeated at once is not reported.

Why it matters:
    An export that was not renewed, or a replica that is behind, does not fail a step: old data is processed again.

How to fix:
    Check whether the source was updated: the time of the file, the replication, the job that fills the table. If there is
    really nothing new, for example on a holiday, allow this rule for the step.

Example:
    `extract-orders` returned the same 9,800 rows as the last run, and other rows in each of the 4 runs before.
"""

from collections.abc import Sequence
from itertools import pairwise

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.comparable_runs import (
    ComparableRuns,
    fingerprint_evidence,
    format_start,
    has_same_dates,
)
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.column_kinds import kind_of
from osiris_inspect.inspector.run.counts.earlier_run import EarlierRun
from osiris_inspect.inspector.run.counts.frame_facts import ColumnFacts, FrameFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("steps",)
MIN_RUNS = 3
MIN_SCHEDULE_S = 3600
"""Runs that are less than this apart have no schedule that a repeated run would differ from."""
REPEATED = 0.25
"""Part of the usual time between runs within which a run is a repetition of the last one."""
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "check whether the source was updated; if there is really nothing new, allow this rule for the step",
    Confidence.MEDIUM,
)
_DAY = LazyRegex(r"\A\d{4}-\d\d-\d\d")


def check(run: Run, lineage: Lineage) -> Findings:
    """Find sources that returned old data."""
    comparable = ComparableRuns(run, lineage)
    for step in run.steps:
        frame = run.frames.get(step.id)
        if frame is None or not frame.rows or not step.is_source or step.status != "succeeded":
            continue
        earlier = comparable.for_step(step.id)
        finding = _same_rows(run, step, frame, earlier) or _same_newest(run, step, frame, earlier)
        if finding is not None:
            yield finding


def _same_rows(run: Run, step: StepState, frame: FrameFacts, earlier: Sequence[EarlierRun]) -> Finding | None:
    known = [(each, each.frames[step.id].fingerprint) for each in earlier if step.id in each.frames]
    known = [(each, fingerprint) for each, fingerprint in known if fingerprint]
    equal = [each for each, fingerprint in known if fingerprint == frame.fingerprint]
    if len(known) < MIN_RUNS or len({fingerprint for _, fingerprint in known}) < len(known) or not equal:
        return None
    is_last = equal[0] is known[0][0]
    if is_last and _is_repeated(run, earlier):
        return None
    when = format_start(equal[0])
    return TEMPLATE.finding(
        f"returned the same {_rows(frame)} as "
        + (
            f"the last run, so there is no new data since {when}"
            if is_last
            else f"the run of {when}, which is not the last"
        )
        + f"; the last {len(known)} runs all differed from one another",
        *fingerprint_evidence(run, step, frame),
        step=step.id,
    )


def _rows(frame: FrameFacts) -> str:
    return "row" if frame.rows == 1 else f"{frame.rows:,} rows"


def _same_newest(
    run: Run, step: StepState, frame: FrameFacts, earlier: Sequence[EarlierRun]
) -> Finding | None:
    """Return a finding if the newest date of a column was later in each earlier run, and is not in this one."""
    compared = [
        (column, newest, before)
        for column in frame.columns
        if (newest := _newest(column)) and (before := _newest_before(column.name, step, earlier))
    ]
    has_new = any(newest > before[0] and column.distinct != 1 for column, newest, before in compared)
    for column, newest, before in compared:
        if newest == before[0] and not has_new and not _is_repeated(run, earlier):
            change = "as in the last run"
        elif newest < before[0] and has_same_dates(run, earlier[0], step.id):
            change = f"and was {before[0]} in the last run"
        else:
            continue  # later; or a run that was repeated at once, or was asked for an earlier day
        return TEMPLATE.finding(
            f"the newest {column.name!r} is {newest}, {change}; it had advanced in every run before",
            frame_evidence(frame, "max" if frame.file == layout.EVENTS else column.name),
            step=step.id,
        )
    return None


def _newest_before(name: str, step: StepState, earlier: Sequence[EarlierRun]) -> list[str]:
    """Return the newest value of a column in the earlier runs; empty unless it advanced in each of them."""
    columns = [each.frames[step.id].column(name) for each in earlier if step.id in each.frames]
    before = [newest for column in columns if (newest := _newest(column))]
    has_advanced = len(before) >= MIN_RUNS and all(new > old for new, old in pairwise(before))
    return before if has_advanced else []


def _newest(column: ColumnFacts | None) -> str:
    """Return the newest value of a column of dates or times as text that sorts by time; empty if unknown."""
    if column is None or column.high is None or kind_of(column.dtype) != "time":
        return ""
    return column.high if _DAY.search(column.high) else ""


def _is_repeated(run: Run, earlier: Sequence[EarlierRun]) -> bool:
    """Return True if the time since the last run is a small part of the usual time between runs."""
    started = layout.parse_start_ms(run.id)
    starts = [each.started for each in earlier]
    usual = min(new - old for new, old in pairwise(starts))
    return started is not None and usual >= MIN_SCHEDULE_S and started / 1000 - starts[0] < REPEATED * usual

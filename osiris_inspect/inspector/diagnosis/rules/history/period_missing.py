"""The rows of a source begin later than the rows of the last run ended, so that a period is missing between them.

What it finds:
    A source each of whose last runs, at least three, returned a later period of a date or time column than the run before,
    and now one that begins much later: after about one more run's period. Days of a weekend without rows in the runs
    before, and periods of a run without rows, are not reported, and neither are writers that replace their target. Also a
    source whose query, or whose settings, ask for a period that begins after the end of that of the last run, while the
    periods of the runs before followed each other.

Why it matters:
    A day whose run failed or was left out is missing in a target to which each run adds its own period.

How to fix:
    Run the pipeline for the missing period. If there are no rows in it, allow this rule for the step.

Example:
    `extract-orders` returned rows of `day` from 2026-01-06, and the last run ended at 2026-01-04.
"""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.comparable_runs import (
    ComparableRuns,
    format_start,
    without_repeated,
)
from osiris_inspect.inspector.diagnosis.evidence.configuration.periods import (
    Period,
    follow_one_another,
    gaps_between,
    period_of,
    requested_period,
)
from osiris_inspect.inspector.diagnosis.evidence.configuration.targets import replaces_target, writer_target
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.earlier_run import EarlierRun
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity

NEEDS = ("steps",)
SEARCHES = ("earlier runs",)
MIN_RUNS = 3
MIN_PART = 0.75
"""Part of a run's period that must be missing."""
DAY = timedelta(days=1)
MIN_GAP = timedelta(minutes=1)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "run the pipeline for the missing period; if it has no rows, allow this rule for the step",
    Confidence.MEDIUM,
)


def check(run: Run, lineage: Lineage) -> Findings:
    """Find sources with a period between their rows and those of the last run."""
    comparable = ComparableRuns(run, lineage)
    for step in run.steps:
        if (
            not step.is_source
            or step.status != "succeeded"
            or not layout.is_safe_name(step.id)
            or not _is_added(run, lineage, step)
        ):
            continue
        earlier = without_repeated(run, comparable.for_step(step.id))
        finding = _not_requested(run, step, earlier) or _missing(run, step, earlier)
        if finding is not None:
            yield finding


def _is_added(run: Run, lineage: Lineage, step: StepState) -> bool:
    """Return True if a writer after the step keeps the rows of the runs before."""
    writers = (run.step(name) for name in lineage.downstream(step.id))
    for writer in writers:
        if writer is not None and writer.is_writer:
            _, target = writer_target(writer.config)
            if not replaces_target(writer.config, is_file=target is not None and target[0] == "file"):
                return True
    return False


def _not_requested(run: Run, step: StepState, earlier: Sequence[EarlierRun]) -> Finding | None:
    """Return a finding if the step asks for a period that begins after the end of the last one."""
    now = requested_period(step.config)
    before = [requested_period(each.configs.get(step.id, {})) for each in earlier]
    known = [period for period in before if period is not None]
    if now is None or len(known) < max(MIN_RUNS, len(before)):
        return None
    starts = [now.start, *(period.start for period in known)]
    _, *gaps = gaps_between([now, *known])
    first = known[0].end + max(timedelta(), *gaps)
    if not all(new > old for new, old in pairwise(starts)) or now.start - first < MIN_GAP:
        return None
    written = [requested_period(each.configs.get(step.id, {})) for each in _failed_writes(run)]
    is_written = any(period is not None and period.end > known[0].end for period in written)
    last = (now.start - MIN_GAP).date()
    days = [first.date() + DAY * number for number in range(min((last - first.date()).days + 1, 4))]
    is_weekend = all(day.weekday() >= 5 for day in days)
    if is_written or (is_weekend and all(period.start.weekday() < 5 for period in known)):
        return None
    return TEMPLATE.finding(
        f"the period (window) that it asks for begins at {now.low}, and that of the run of {format_start(earlier[0])} ended at "
        f"{known[0].high}: the rows between them were never read (gap)",
        Evidence(layout.config_path(step.id), 0, now.low),
        step=step.id,
    )


def _missing(run: Run, step: StepState, earlier: Sequence[EarlierRun]) -> Finding | None:
    frame = run.frames.get(step.id)
    if frame is None:
        return None
    for column in frame.columns:
        now = period_of(column)
        before = [_period(each, step, column.name) for each in earlier]
        known = [period for period in before if period is not None]
        if now is None or len(known) < MIN_RUNS or before[0] is None or not follow_one_another([now, *known]):
            continue
        gap, *gaps = gaps_between([now, *known])
        usual = sorted(new.start - old.start for new, old in pairwise(known))[(len(known) - 1) // 2]
        if (
            gap - max(gaps) < MIN_PART * usual
            or _is_weekend(now, known)
            or _is_written(run, step, column.name, now)
        ):
            continue
        return TEMPLATE.finding(
            f"{column.name!r} begins at {now.low}, and ended at {known[0].high} in the run of {format_start(earlier[0])}: "
            "the rows between are missing",
            frame_evidence(frame, "min" if frame.file == layout.EVENTS else column.name),
            step=step.id,
        )
    return None


def _period(earlier: EarlierRun, step: StepState, name: str) -> Period | None:
    frame = earlier.frames.get(step.id)
    return period_of(frame.column(name)) if frame is not None else None


def _is_weekend(now: Period, before: Sequence[Period]) -> bool:
    """Return True if only days of a weekend are missing, and no run before has rows of such a day."""
    first, last = before[0].end.date() + DAY, now.start.date() - DAY
    days = [first + DAY * number for number in range(min((last - first).days + 1, 4))]
    has_rows = any(time.weekday() >= 5 for period in before for time in (period.start, period.end))
    return not has_rows and all(day.weekday() >= 5 for day in days)


def _is_written(run: Run, step: StepState, name: str, now: Period) -> bool:
    """Return True if a run that failed had written rows of the period between."""
    periods = [_period(each, step, name) for each in _failed_writes(run)]
    return any(period is not None and period.end < now.start for period in periods)


def _failed_writes(run: Run) -> list[EarlierRun]:
    """Return the runs since the last success that failed after a writer had succeeded."""
    writers = {each.id for each in run.steps if each.is_writer}
    return [
        each
        for each in run.failed_runs
        if each.started > run.earlier_runs[0].started and writers & (each.completed or frozenset())
    ]

"""A source returned the data of an earlier run, while it returned other data in each run before.

What it finds:
    A source whose rows are equal, value by value, to those of the last runs or of a run before them, while the runs before
    all differed from one another; or whose newest date is not later than in the last runs, while it was later in each run
    before, planned times and dates of birth aside; or whose largest id is smaller than two runs before, while it grew with each run. At least three earlier runs
    with the same settings are needed, for ids four. Runs that were repeated at once are not compared.

Why it matters:
    An export that was not renewed, or a replica that is behind, does not fail a step: old data is processed again.

How to fix:
    Check whether the source was updated: the time of the file, the replication, the job that fills the table. If there is
    really nothing new, for example on a holiday, allow this rule for the step.

Example:
    `extract-orders` returned the same 9,800 rows as the last run, and other rows in each of the 4 runs before.
"""

from collections.abc import Sequence
from itertools import pairwise, takewhile

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.comparable_runs import (
    ComparableRuns,
    fingerprint_evidence,
    format_start,
    has_same_dates,
    without_repeated,
)
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.column_kinds import kind_of
from osiris_inspect.inspector.run.counts.earlier_run import EarlierRun
from osiris_inspect.inspector.run.counts.frame_facts import ColumnFacts, FrameFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.units import day_and_time
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("steps",)
SEARCHES = ("earlier runs",)
MIN_RUNS = 3
MIN_RUNS_OF_IDS = 4
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "check whether the source was updated; if there is really nothing new, allow this rule for the step",
    Confidence.MEDIUM,
)
_DAY = LazyRegex(r"\A\d{4}-\d\d-\d\d")
_PLANNED = LazyRegex(
    r"birth|born|\bdob\b|(?:^|_)(?:due|valid|effective|expir\w{0,5}|until|end|start|from|to|planned|expected|target|delivery|departure|arrival|travel|check_?in|check_?out|maturity|renewal)(?:_|$)",
    2,
)
"""Times that do not say when a row came, so that the newest one may be older than in the last run."""
_INTEGER = LazyRegex(r"-?\d{1,18}")
_ID = LazyRegex(r"(?i:(?:.{0,40}_)?(?:id|no|nr|number|key|seq|sequence|offset|lsn))|.{0,40}(?:Id|ID|No)", 2)

_Series = Sequence[tuple[EarlierRun, str]]
"""Earlier runs, newest first, with a value of each."""


def check(run: Run, lineage: Lineage) -> Findings:
    """Find sources that returned old data."""
    comparable = ComparableRuns(run, lineage, with_failed=True)
    for step, frame in run.successful_frames():
        if not frame.rows or not step.is_source:
            continue
        earlier = without_repeated(run, comparable.for_step(step.id))
        finding = _same_rows(run, step, frame, earlier) or _same_newest(run, step, frame, earlier)
        if finding is not None:
            yield finding


def _same_rows(run: Run, step: StepState, frame: FrameFacts, earlier: Sequence[EarlierRun]) -> Finding | None:
    known = [
        (each, each.frames[step.id].fingerprint)
        for each in earlier
        if step.id in each.frames and each.frames[step.id].fingerprint
    ]
    same = list(takewhile(lambda one: one[1] == frame.fingerprint, known))
    before = [fingerprint for _, fingerprint in known[len(same) :]]
    is_older = not same and frame.fingerprint in before
    if not (same or is_older) or len(before) + bool(same) < MIN_RUNS or len({*before}) < len(before):
        return None
    if same and frame.fingerprint in before:
        return None
    return TEMPLATE.finding(
        f"returned the same {_rows(frame)} as "
        + (
            f"{_runs(run, [each for each, _ in same])}, so there is no new data since {format_start(same[-1][0])}"
            if same
            else f"the run of {format_start(known[before.index(frame.fingerprint)][0])}, which is not the last"
        )
        + f"; the {'last' if len(same) < 2 else 'earlier'} {len(before) + (len(same) == 1)} runs all differed from one another",
        *fingerprint_evidence(run, step, frame),
        step=step.id,
    )


def _rows(frame: FrameFacts) -> str:
    return "row" if frame.rows == 1 else f"{frame.rows:,} rows"


def _runs(run: Run, same: Sequence[EarlierRun]) -> str:
    if len(same) > 1:
        return f"the last {len(same)} runs"
    is_last = same[0].started == max(each.started for each in (*run.earlier_runs, *run.failed_runs))
    return "the last run" if is_last else f"the run of {format_start(same[0])}"


def _same_newest(
    run: Run, step: StepState, frame: FrameFacts, earlier: Sequence[EarlierRun]
) -> Finding | None:
    """Return a finding if the newest value of a column was larger in each earlier run, and is not in this one."""
    times = [
        (column, newest, before)
        for column in frame.columns
        if not _PLANNED.search(column.name[:100])
        and (newest := _newest(column))
        and (before := _before(step, earlier, column.name))
    ]
    has_new = any(
        newest > before[0][1] and column.distinct != 1 and _has_advanced(before)
        for column, newest, before in times
    )
    for column, newest, before in times:
        change = _change_of_time(run, step, newest, before, has_new=has_new)
        if change:
            return _finding(step, frame, column, f"the newest {column.name!r} is {newest}, {change}")
    for column in frame.columns:
        change = _change_of_id(run, step, column, earlier)
        if change:
            return _finding(step, frame, column, change)
    return None


def _finding(step: StepState, frame: FrameFacts, column: ColumnFacts, message: str) -> Finding:
    evidence = frame_evidence(frame, "max" if frame.file == layout.EVENTS else column.name)
    return TEMPLATE.finding(message, evidence, step=step.id)


def _change_of_time(run: Run, step: StepState, newest: str, before: _Series, *, has_new: bool) -> str:
    """Describe a newest time that is not later than in the last runs; empty unless it was later in each run before."""
    repeats = len(list(takewhile(lambda one: one[1] == newest, before)))
    older = before[repeats:]
    if not _has_advanced(older):
        return ""
    is_older = len(older) >= MIN_RUNS and newest < older[0][1] and not has_new
    if is_older and has_same_dates(run, older[0][0], step.id):
        runs = f"in the run of {format_start(older[0][0])}" if repeats else "in the last run"
        return f"and was {older[0][1]} {runs}; it had advanced in every run before"
    if repeats and older and len(older) + 1 >= MIN_RUNS and newest > older[0][1] and not has_new:
        runs = "as in the last run" if repeats == 1 else f"as in the last {repeats} runs"
        return f"{runs}; it had advanced in every run before"
    return ""


def _change_of_id(run: Run, step: StepState, column: ColumnFacts, earlier: Sequence[EarlierRun]) -> str:
    """Describe a largest id below that of two runs before; if only the last rows were deleted, it is larger."""
    largest = _largest_id(column)
    if largest is None or len(earlier) < MIN_RUNS_OF_IDS:
        return ""
    columns = [(each, _column(each, step, column.name)) for each in earlier]
    known = [
        (each, number)
        for each, other in columns
        if other is not None and (number := _largest_id(other)) is not None
    ]
    before = known[len(list(takewhile(lambda one: one[1] == largest, known))) :]
    numbers = [number for _, number in before]
    if len(before) < MIN_RUNS_OF_IDS or not all(new > old for new, old in pairwise(numbers)):
        return ""
    is_new_year = (
        format_start(before[0][0])[:4] != day_and_time((layout.parse_start_ms(run.id) or 0) / 1000)[:4]
    )
    if largest >= numbers[1] or is_new_year or not has_same_dates(run, before[0][0], step.id):
        return ""
    return (
        f"the largest {column.name!r} is {largest:,} and was {numbers[0]:,} in the run of {format_start(before[0][0])}; "
        f"it had grown in each of the {len(before)} runs"
    )


def _has_advanced(before: _Series) -> bool:
    return all(new > old for (_, new), (_, old) in pairwise(before))


def _before(step: StepState, earlier: Sequence[EarlierRun], name: str) -> _Series:
    """Return the newest time of a column in each earlier run that has one."""
    return [(each, newest) for each in earlier if (newest := _newest(_column(each, step, name)))]


def _column(earlier: EarlierRun, step: StepState, name: str) -> ColumnFacts | None:
    frame = earlier.frames.get(step.id)
    return frame.column(name) if frame is not None else None


def _newest(column: ColumnFacts | None) -> str:
    """Return the newest value of a column of dates or times as text that sorts by time; empty if unknown."""
    if column is None or column.high is None or not column.is_time:
        return ""
    return column.high if _DAY.search(column.high) else ""


def _largest_id(column: ColumnFacts) -> int | None:
    """Return the largest value of a column of whole numbers that is named like an id; None if it is none."""
    is_id = (
        _ID.fullmatch(column.name[:50]) and column.distinct == "many" and kind_of(column.dtype) == "integer"
    )
    high = column.high or ""
    return int(high) if is_id and _INTEGER.fullmatch(high) else None

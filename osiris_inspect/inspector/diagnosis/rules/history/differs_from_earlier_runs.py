"""A run differs much from the last successful runs of its pipeline.

What it finds:
    A step that returned at most half or at least twice the rows of each of the last runs, which were alike, or of those on
    working days; a condition that keeps at most half or at least twice its usual share of the rows; a source that lost a fifth of its rows after five runs with nearly the same number, or that
    returned a quarter or four times the rows of each of five runs that varied much, or 40 % or 2.5 times the rows of runs
    that varied less. One of several files that lost more than half of its
    rows while the others kept theirs. A column whose values are missing in many rows and were not before, or are empty texts
    and were missing, or that has one value in all rows and had several. A run that took more than five times as long.

    On the first Saturday, Sunday or Monday of the history a third of the rows or three times as many are usual, unless a run
    on a Sunday had as many as the others. Also usual are more rows on the first or last day of a month, few rows of a source
    of the running month when it begins, a tenth or ten times the rows at an hour without earlier runs, and rows in proportion
    to the time since the last run. Only runs beside this one with the same settings are compared: at least three, for columns
    two, at most eight. Runs in which the step had other settings count for a tenth or ten times the rows.

Why it matters:
    Half an export, a source that was loaded twice, a column that moved, or a status that the source renamed does not
    fail a step.

How to fix:
    Compare the source with that of the last run. If the difference is real, for example at the end of a month, allow
    this rule for the step.

Example:
    `extract-orders` returned fewer rows than usual, 4,100; the last 5 runs returned 9,800 to 10,100.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from osiris_inspect.inspector.diagnosis.evidence.citations import (
    first_line_evidence,
    frame_evidence,
    rows_out_evidence,
)
from osiris_inspect.inspector.diagnosis.evidence.configuration.comparable_runs import (
    SAME_TIME_FACTOR,
    ComparableRuns,
    factors_of_the_time,
    period_factor,
    runs_of_like_days,
    starts_anew,
    without_dates,
)
from osiris_inspect.inspector.diagnosis.evidence.configuration.kept_rows import (
    KeptRows,
    counted_conditions,
    kept_of_input,
    mentions_time,
)
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.column_kinds import kind_of
from osiris_inspect.inspector.run.counts.earlier_run import EarlierRun
from osiris_inspect.inspector.run.counts.frame_facts import ColumnFacts, FrameFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.units import format_duration
from osiris_inspect.model.event import as_int
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("steps",)
SEARCHES = ("earlier runs",)
MIN_RUNS = 3
MIN_LOGS = 2
MIN_ROWS = 20
MIN_ROWS_OF_VALUES = 10
MAX_SPREAD = 1.5
"""Earlier counts are alike if the largest is at most this many times the smallest."""
FACTOR = SAME_TIME_FACTOR
CHANGED_FACTOR = 10
"""The same for a step with other settings."""
MIN_OTHER_FILES = 3
"""A change of one in this many files is not one of the day."""
MIN_VARYING_RUNS = 5
MAX_VARYING_SPREAD = 4
MAX_NOISE = 2.5
VARYING_FACTOR = 4
NOISE_FACTOR = 2.5
"""The same beside runs whose rows vary, up to ``MAX_VARYING_SPREAD`` and up to ``MAX_NOISE``."""
MIN_STEADY_RUNS = 5
MIN_SOURCE_ROWS = 50
STEADY_SPREAD = 1.02
STEADY_PART = 0.8
"""Part of its rows that a source keeps if it had nearly the same number in each of ``MIN_STEADY_RUNS`` runs."""
MIN_OTHER_PERIOD = 0.3
MIN_FILTERED = 50
"""Rows of an input of which a condition keeps a share."""
MIN_KEPT = 50
"""Rows that a condition keeps, or kept of as many rows before."""
MAX_SHARE_SPREAD = 0.15
MIN_SHARE_CHANGE = 0.25
UNUSUAL_FACTOR = 3
MIN_UNUSUAL_CHANGE = 0.3
MAX_STEADY_SPREAD = 0.06
"""The same at a time that no earlier run had: times the usual share, and the change of a share that hardly varied."""
MAX_USUAL_NULLS = 0.05
MIN_NEW_NULLS = 0.3
MIN_FIRST_NULLS = 0.1
"""Share of rows without a value in a column that had a value in every row of at least ``MIN_RUNS`` runs."""
MAX_LEFT_NULLS = 0.2
MIN_EMPTY = 0.5
"""Parts of the usual rows without a value that are left, and that are empty texts, if these took their place."""
_EMPTY = ""
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
    if run.status != "success" or not run.earlier_runs:
        return
    comparable = ComparableRuns(run, lineage)
    unusual: set[str] = set()
    for step in run.steps:
        if unusual & set(lineage.upstream(step.id)):
            continue  # the first step that differs explains those after it
        earlier = comparable.for_step(step.id)
        finding = (
            _kept(run, step, earlier)
            or _rows(run, step, earlier)
            or _files(run, step, earlier)
            or _values(run, step, earlier)
            or _rows(run, step, comparable.with_other_settings(step.id), is_changed=True)
        )
        if finding is not None:
            unusual.add(step.id)
            yield finding
    yield from _duration(run)


def _kept(run: Run, step: StepState, earlier: Sequence[EarlierRun]) -> Finding | None:
    """Compare the share of its input's rows that a condition keeps with the shares of earlier runs."""
    has_other_time = factors_of_the_time(run, earlier) is not None
    is_unusual = has_other_time or abs(period_factor(run, earlier) - 1) > MIN_OTHER_PERIOD
    if step.is_source or not step.rows_out or (is_unusual and mentions_time(step)):
        return None
    for count in (counted_conditions, kept_of_input):
        now = count(step, run.frames)
        before = [found for each in earlier if len(found := count(step, each.frames)) == len(now)]
        for number, (rows, kept) in enumerate(now if len(before) >= MIN_RUNS else ()):
            usual = _usual_share([found[number] for found in before])
            if usual is not None and _is_other_share(rows, kept, usual, is_unusual=is_unusual):
                low, high = usual
                usual_text = f"{low:.0%}" if f"{low:.0%}" == f"{high:.0%}" else f"{low:.0%} to {high:.0%}"
                return TEMPLATE.finding(
                    f"{'its condition keeps' if count is counted_conditions else 'keeps'} {kept:,} of {rows:,} rows, "
                    f"{kept / rows:.0%}; in the last {len(before)} runs {usual_text}",
                    *rows_out_evidence(run, step),
                    step=step.id,
                    fix="compare the values of the columns in the condition with those of the last run: one may be "
                    "written in another way; if the difference is real, allow this rule for the step",
                )
    return None


def _usual_share(before: Sequence[KeptRows]) -> tuple[float, float] | None:
    """Return the smallest and the largest share of earlier runs; None if they are not alike or of few rows."""
    if min(rows for rows, _ in before) < MIN_FILTERED:
        return None
    shares = [kept / rows for rows, kept in before]
    low, high = min(shares), max(shares)
    is_alike = high - low <= MAX_SHARE_SPREAD and high <= MAX_SPREAD * low
    return (low, high) if is_alike else None


def _is_other_share(rows: int, kept: int, usual: tuple[float, float], *, is_unusual: bool) -> bool:
    low, high = usual
    if rows < MIN_FILTERED or max(low * rows, kept) < MIN_KEPT:
        return False
    share, factor = kept / rows, UNUSUAL_FACTOR if is_unusual else FACTOR
    is_other = share <= low / factor or share >= high * factor
    change = min(abs(share - low), abs(share - high))
    if is_unusual:
        return is_other or (change >= MIN_UNUSUAL_CHANGE and high - low <= MAX_STEADY_SPREAD)
    return is_other or change >= MIN_SHARE_CHANGE


def _rows(
    run: Run, step: StepState, earlier: Sequence[EarlierRun], *, is_changed: bool = False
) -> Finding | None:
    """Compare the rows of a step with earlier runs, in which it had other settings if it ``is_changed``."""
    known = [each for each in earlier if each.rows.get(step.id)]
    compared, days = _alike(run, step, known)
    is_varying = not compared and step.is_source and len(known) >= MIN_VARYING_RUNS and not is_changed
    compared = known if is_varying else compared
    before = [each.rows[step.id] for each in compared]
    if not before or step.is_writer or not step.rows_out or min(before) < MIN_ROWS:
        return None
    low, high = min(before), max(before)
    if is_varying and (high > MAX_VARYING_SPREAD * low or low < MIN_SOURCE_ROWS):
        return None
    fewer, more = (CHANGED_FACTOR, CHANGED_FACTOR) if is_changed else _factors(run, step, compared, before)
    if is_varying:
        varying = NOISE_FACTOR if high <= MAX_NOISE * low else VARYING_FACTOR
        fewer, more = max(fewer, varying), max(more, varying)
    periods = period_factor(run, earlier)
    if (
        abs(periods - 1) > MIN_OTHER_PERIOD
        and low * periods / FACTOR < step.rows_out < high * periods * FACTOR
    ):
        return None  # as many rows as in the time since the last run
    if low / fewer < step.rows_out < more * high or (step.rows_out < low and starts_anew(run, before)):
        return None
    return TEMPLATE.finding(
        f"returned {'fewer' if step.rows_out < low else 'more'} rows than usual, {step.rows_out:,}; "
        f"the last {len(before)} runs{days} returned {_range(low, high)}"
        + (", with other settings of the step" if is_changed else ""),
        *rows_out_evidence(run, step),
        step=step.id,
    )


def _range(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _factors(
    run: Run, step: StepState, earlier: Sequence[EarlierRun], before: Sequence[int]
) -> tuple[float, float]:
    """Return how many times fewer and more rows than in each of the earlier runs are usual."""
    factors = factors_of_the_time(run, earlier)
    if factors is not None:
        return factors
    is_long = step.is_source and len(before) >= MIN_STEADY_RUNS and min(before) >= MIN_SOURCE_ROWS
    if is_long and max(before) <= STEADY_SPREAD * min(before):
        return 1 / STEADY_PART, FACTOR
    return FACTOR, FACTOR


def _alike(run: Run, step: StepState, earlier: Sequence[EarlierRun]) -> tuple[Sequence[EarlierRun], str]:
    """Return the last runs, or those of like days, if they had nearly as many rows; empty if they had not."""
    for runs, days in ((earlier, ""), *((runs, " of such days") for runs in runs_of_like_days(run, earlier))):
        rows = [each.rows[step.id] for each in runs]
        if len(rows) >= MIN_RUNS and max(rows) <= MAX_SPREAD * min(rows):
            return runs, days
    return (), ""


def _files(run: Run, step: StepState, earlier: Sequence[EarlierRun]) -> Finding | None:
    """Report files that have far fewer rows than in the last runs, if most of the files of the step have as many."""
    frame = run.frames.get(step.id)
    now = _rows_by_file(frame) if frame is not None else {}
    before = [_rows_by_file(each.frames[step.id]) for each in earlier if step.id in each.frames]
    usual = {
        path: counts
        for path in now
        if len(counts := [rows[path][1] for rows in before if path in rows]) >= MIN_RUNS
        and min(counts) >= MIN_SOURCE_ROWS
        and max(counts) <= MAX_SPREAD * min(counts)
    }
    fewer = [path for path, counts in usual.items() if now[path][1] * FACTOR < min(counts)]
    if frame is None or not fewer or len(fewer) * MIN_OTHER_FILES > len(usual) or not now[fewer[0]][1]:
        return None
    name, rows = now[fewer[0]]
    others = f", and {len(fewer) - 1} other files have fewer than usual" if len(fewer) > 1 else ""
    counts = usual[fewer[0]]
    return TEMPLATE.finding(
        f"{name!r} has fewer rows than usual, {rows:,}; in the last {len(counts)} runs it had {_range(min(counts), max(counts))}{others}",
        frame_evidence(frame, "files"),
        step=step.id,
    )


def _rows_by_file(frame: FrameFacts) -> dict[str, tuple[str, int]]:
    """Return the path and the rows of each file by its path without dates; a path of several files is left out."""
    files = [
        (str(entry.get("path")), as_int(entry.get("rows")) or 0) for entry in frame.source_entries("files")
    ]
    times = Counter(without_dates(path) for path, _ in files)
    return {without_dates(path): (path, rows) for path, rows in files if times[without_dates(path)] == 1}


def _values(run: Run, step: StepState, earlier: Sequence[EarlierRun]) -> Finding | None:
    frame = run.frames.get(step.id)
    if frame is None or frame.rows is None or frame.rows < MIN_ROWS_OF_VALUES:
        return None
    frames = [each.frames[step.id] for each in earlier if step.id in each.frames]
    for column in frame.columns:
        if column.nulls == frame.rows and not step.is_source:
            continue  # another rule reports columns that a step emptied
        is_filled = (column.nulls or 0) < MIN_FIRST_NULLS * frame.rows and _EMPTY not in column.odd_values
        if is_filled and column.distinct != 1:
            continue
        before = [(other.rows, found) for other in frames if (found := other.column(column.name)) is not None]
        message = (
            _new_nulls(frame.rows, column, before)
            or _empty_texts(frame.rows, column, before)
            or _now_constant(frame.rows, column, [found for _, found in before])
        )
        if message and len(before) >= MIN_LOGS:
            return TEMPLATE.finding(message, frame_evidence(frame, column.name), step=step.id)
    return None


def _new_nulls(rows: int, column: ColumnFacts, before: Sequence[tuple[int | None, ColumnFacts]]) -> str:
    shares = [found.nulls / count for count, found in before if count and found.nulls is not None]
    share = (column.nulls or 0) / rows
    if len(shares) < MIN_LOGS or max(shares) > MAX_USUAL_NULLS:
        return ""
    is_first = len(shares) >= MIN_RUNS and not any(shares)
    if share < (MIN_FIRST_NULLS if is_first else MIN_NEW_NULLS):
        return ""
    usual = f"it had none in at most {max(shares):.0%}" if any(shares) else "it had one in every row"
    return f"{column.name!r} has no value in {share:.0%} of the rows; in the last {len(shares)} runs {usual}"


def _empty_texts(rows: int, column: ColumnFacts, before: Sequence[tuple[int | None, ColumnFacts]]) -> str:
    """Describe empty texts in place of missing values; a column that had both before is usual."""
    empty = column.odd_values.get(_EMPTY, 0)
    shares = [found.nulls / count for count, found in before if count and found.nulls is not None]
    if not empty or len(shares) < MIN_LOGS or any(_EMPTY in found.odd_values for _, found in before):
        return ""
    usual = min(shares)
    has_nulls = usual > MAX_USUAL_NULLS and (column.nulls or 0) < MAX_LEFT_NULLS * usual * rows
    if not has_nulls or empty < MIN_EMPTY * usual * rows:
        return ""
    return (
        f"{column.name!r} is an empty text in {empty / rows:.0%} of the rows; in the last {len(shares)} runs such rows had no value, "
        f"so IS NULL and coalesce() do not find them any more"
    )


def _now_constant(rows: int, column: ColumnFacts, before: Sequence[ColumnFacts]) -> str:
    if column.distinct != 1 or not before:
        return ""
    if all(found.distinct == "many" for found in before):
        return f"{column.name!r} has one value in all rows; in the last {len(before)} runs it had many"
    had_several = all(found.distinct in ("few", "many") for found in before)
    is_one_by_chance = (
        column.is_time or kind_of(column.dtype) == "boolean"
    )  # the day of the rows, a rare flag
    if had_several and rows >= MIN_ROWS and not is_one_by_chance:
        return f"{column.name!r} has one value in all rows; in the last {len(before)} runs it had several"
    return ""


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

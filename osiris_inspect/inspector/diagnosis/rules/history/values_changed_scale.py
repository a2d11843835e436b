"""The values of a column are a thousand times larger than before or of another sign, or two columns are exchanged.

What it finds:
    A column of numbers whose smallest and largest value are both about 100 or 1,000 times those of each of the last runs, or
    that part of them; a column of amounts or quantities in which many values were negative in each of the last runs and
    none is, or the reverse; two columns of a source that have the range of each other, while their ranges were apart in each of
    the last runs. At least three earlier runs with the same settings are needed. Ids and counters are not reported.

Why it matters:
    A source that changes from kilograms to grams, that reports refunds as positive amounts, or that exchanges two columns,
    does not fail a step.

How to fix:
    Compare some values with those of the last run, and convert them or correct the columns. If the change is real, allow
    this rule for the step.

Example:
    `weight` was 0.2 to 29 in the last 4 runs, and is 210 to 29,900.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, combinations, islice

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.comparable_runs import (
    ComparableRuns,
    factors_of_the_time,
)
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.column_kinds import kind_of
from osiris_inspect.inspector.run.counts.frame_facts import ColumnFacts, FrameFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("steps",)
SEARCHES = ("earlier runs",)
MIN_RUNS = 3
MIN_ROWS = 20
SCALES = (1000, 100)
TOLERANCES = (10, 1.6)
"""Factors by which the smallest value, which may have been rounded, and the largest may differ from the exact scale."""
MAX_SPREAD = 1.5
"""The largest values of earlier runs are alike if one is at most this many times another."""
_ID = LazyRegex(
    r"(?i:(?:.{0,40}_)?(?:id|no|nr|number|key|seq|sequence|offset|lsn|code|version|year|ts|timestamp|epoch))"
)
_SUMMED = LazyRegex(
    r"amount|amt|price|total|value|qty|quantity|pieces|units|cost|revenue|sales|turnover|fee|tax|paid|payment|charge"
    r"|refund|discount|credit|debit|movement|sum$|betrag|castka|cena|montant|importe",
    2,
)
_SIGNED = LazyRegex(
    r"chang|delta|diff|growth|margin|profit|pnl|return_|balance|variance|deviation|trend|score|temp|saldo|gain|loss",
    2,
)
"""Values that may all be above or below 0 by chance."""
MIN_NEGATIVES = 10
MIN_UNUSUAL_NEGATIVES = 20
"""Negative values that are expected or found; the second at a time that no earlier run had."""
MIN_NEGATIVE_SHARE = 0.05
MIN_TURNED_SHARE = 0.5
"""Difference of the share of negative values from which nearly all of them have the other sign."""
MIN_RUNS_BY_RANGE = 4
MIN_ROWS_BY_RANGE = 100
MAX_LOW_SPREAD = 1.3
"""The smallest values of earlier runs are alike, so that each of these had many negative values."""
_Range = tuple[float, float]
_Change = tuple[str, str, str]
"""A column, a message, and what to compare its values with."""
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "compare some values with those of the last run, then convert them; if the change is real, allow this rule for the step",
    Confidence.MEDIUM,
)


def check(run: Run, lineage: Lineage) -> Findings:
    """Find columns of sources whose range is that of another unit or of another column."""
    comparable = ComparableRuns(run, lineage)
    for step, frame in run.successful_frames():
        if not step.is_source or (frame.rows or 0) < MIN_ROWS:
            continue
        frames = [each.frames[step.id] for each in comparable.for_step(step.id) if step.id in each.frames]
        if len(frames) < MIN_RUNS:
            continue
        expected = (
            MIN_UNUSUAL_NEGATIVES
            if factors_of_the_time(run, comparable.for_step(step.id)) is not None
            else MIN_NEGATIVES
        )
        changes = chain(_exchanged(frame, frames), _scaled(frame, frames), _turned(frame, frames, expected))
        for column, message, remedy in islice(changes, 1):
            evidence = frame_evidence(frame, "max" if frame.file == layout.EVENTS else column)
            yield TEMPLATE.finding(message, evidence, step=step.id, fix=f"compare some values with {remedy}")


def _scaled(frame: FrameFacts, frames: Sequence[FrameFacts]) -> Iterator[_Change]:
    """Yield each column of which both ends are multiplied or divided by 100 or 1,000."""
    for column in frame.columns:
        now, before = _range(column), _ranges(frames, column.name)
        if now is None or len(before) < MIN_RUNS or _ID.fullmatch(column.name[:80]):
            continue
        lows, highs = [low for low, _ in before], [high for _, high in before]
        is_alike = max(highs) <= MAX_SPREAD * min(highs) and max(lows) <= 2 * MAX_SPREAD * min(lows)
        if not is_alike or min(*lows, now[0]) <= 0:
            continue
        for scale in SCALES:
            larger, smaller = _is_times(now, before[0], scale), _is_times(before[0], now, scale)
            if larger or smaller:
                yield (
                    column.name,
                    f"{column.name!r} is {_text(now)}, and was {_text(before[0])} in the last run: about {scale:,} times "
                    f"{'as much' if larger else 'less'}, as in another unit; the last {len(before)} runs were alike",
                    "those of the last run, then convert them; if the change is real, allow this rule for the step",
                )


def _exchanged(frame: FrameFacts, frames: Sequence[FrameFacts]) -> Iterator[_Change]:
    """Yield each pair of columns that have the range of each other."""
    known = [column for column in frame.columns if _range(column) and not _ID.fullmatch(column.name[:80])]
    for one, other in combinations(known[:30], 2):
        first, second = _ranges(frames, one.name), _ranges(frames, other.name)
        if kind_of(one.dtype) != kind_of(other.dtype) or min(len(first), len(second)) < MIN_RUNS:
            continue
        hull_first, hull_second = _hull(first), _hull(second)
        now_first, now_second = _range(one), _range(other)
        if now_first is None or now_second is None or _overlap(hull_first, hull_second):
            continue
        is_first_other = _overlap(now_first, hull_second) and not _overlap(now_first, hull_first)
        is_second_other = _overlap(now_second, hull_first) and not _overlap(now_second, hull_second)
        if is_first_other and is_second_other:
            yield (
                one.name,
                f"{one.name!r} is {_text(now_first)} and {other.name!r} {_text(now_second)}, and they were {_text(hull_first)} and "
                f"{_text(hull_second)} in the last {len(first)} runs: their values seem to be exchanged (swapped columns)",
                "those of the last run, then read the two columns in their new order; if the change is real, allow this "
                "rule for the step",
            )


def _turned(frame: FrameFacts, frames: Sequence[FrameFacts], expected: int) -> Iterator[_Change]:
    """Yield each column in which the values have the other sign; ``expected`` values of them at least."""
    for column in frame.columns:
        name = column.name[:80]
        before = [(one.rows or 0, found) for one in frames if (found := one.column(column.name)) is not None]
        if not _SUMMED.search(name) or _SIGNED.search(name) or len(before) < MIN_RUNS:
            continue
        message = _turned_counts(frame.rows or 0, column, before, expected) or _turned_range(
            frame.rows or 0, column, before
        )
        if message:
            yield (
                column.name,
                message,
                "those of the last run: refunds may have the sign of sales; correct the sign of the values; if the change is real, "
                "allow this rule for the step",
            )


def _turned_counts(
    rows: int, column: ColumnFacts, before: Sequence[tuple[int, ColumnFacts]], expected: int
) -> str:
    shares = [one.negatives / count for count, one in before if count and one.negatives is not None]
    if len(shares) < max(MIN_RUNS, len(before)) or column.negatives is None:
        return ""
    low, high, share = min(shares), max(shares), column.negatives / rows
    usual = f"{low:.0%}" if f"{low:.0%}" == f"{high:.0%}" else f"{low:.0%} to {high:.0%}"
    runs = f"in the last {len(shares)} runs"
    if not column.negatives and low * rows >= expected:
        return f"{column.name!r} has no negative value; {runs} {usual} of its values were negative"
    is_new = not high and column.negatives >= max(expected, MIN_NEGATIVE_SHARE * rows)
    if is_new:
        return f"{column.name!r} has {column.negatives:,} negative values of {rows:,}; {runs} it had none"
    if min(abs(share - low), abs(share - high)) >= MIN_TURNED_SHARE and rows >= MIN_ROWS:
        return f"{share:.0%} of the values of {column.name!r} are negative; {runs} {usual} were: the sign seems to be turned"
    return ""


def _turned_range(rows: int, column: ColumnFacts, before: Sequence[tuple[int, ColumnFacts]]) -> str:
    """Return the message by the smallest and the largest values, which older runs record of whole numbers only."""
    now, ranges = _range(column), [ends for _, one in before if (ends := _range(one)) is not None]
    is_counted = column.negatives is not None and all(one.negatives is not None for _, one in before)
    if is_counted or now is None or len(ranges) < MIN_RUNS_BY_RANGE or rows < MIN_ROWS_BY_RANGE:
        return ""
    lows = [low for low, _ in ranges]
    text = f"{column.name!r} is {_text(now)}, and was {_text(ranges[0])} in the last run"
    if max(lows) < 0 <= now[0] and len(set(lows)) > 1 and min(lows) >= MAX_LOW_SPREAD * max(lows):
        return f"{text}: it has no negative value, and had some in each of the last {len(ranges)} runs"
    if min(lows) >= 0 and now[1] < 0:
        return f"{text}: all its values are negative, and none was in the last {len(ranges)} runs"
    return ""


def _range(column: ColumnFacts) -> _Range | None:
    """Return the smallest and the largest value of a column of numbers; None if they are unknown."""
    if (
        column.low is None
        or column.high is None
        or kind_of(column.dtype) not in ("integer", "float", "decimal")
    ):
        return None
    try:
        return float(column.low), float(column.high)
    except ValueError:
        return None


def _ranges(frames: Sequence[FrameFacts], name: str) -> list[_Range]:
    columns = (frame.column(name) for frame in frames)
    return [ends for column in columns if column is not None and (ends := _range(column)) is not None]


def _is_times(ends: _Range, others: _Range, scale: int) -> bool:
    factors = zip(ends, others, TOLERANCES, strict=True)
    return all(scale / tolerance <= one / other <= scale * tolerance for one, other, tolerance in factors)


def _hull(ranges: Sequence[_Range]) -> _Range:
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def _overlap(one: _Range, other: _Range) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def _text(ends: _Range) -> str:
    return f"{ends[0]:,.10g} to {ends[1]:,.10g}"

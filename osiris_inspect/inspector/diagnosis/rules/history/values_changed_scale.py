"""The values of a column are a thousand times larger or smaller than before, or those of two columns are exchanged.

What it finds:
    A column of numbers whose smallest and largest value are both about 100 or 1,000 times those of each of the last runs, or
    that part of them; two columns of a source that have the range of each other, while their ranges were apart in each of
    the last runs. At least three earlier runs with the same settings are needed. Ids and counters are not reported.

Why it matters:
    A source that changes from kilograms to grams, or from units to cents, or that exchanges two columns, does not fail a step.

How to fix:
    Compare some values with those of the last run, and convert them or correct the columns. If the change is real, allow
    this rule for the step.

Example:
    `weight` was 0.2 to 29 in the last 4 runs, and is 210 to 29,900.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.comparable_runs import ComparableRuns
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.column_kinds import kind_of
from osiris_inspect.inspector.run.counts.frame_facts import ColumnFacts, FrameFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("steps",)
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
_Range = tuple[float, float]
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
        found = next(_scaled(frame, frames), None) or next(_exchanged(frame, frames), None)
        if found is not None:
            column, message = found
            evidence = frame_evidence(frame, "max" if frame.file == layout.EVENTS else column)
            yield TEMPLATE.finding(message, evidence, step=step.id)


def _scaled(frame: FrameFacts, frames: Sequence[FrameFacts]) -> Iterator[tuple[str, str]]:
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
                )


def _exchanged(frame: FrameFacts, frames: Sequence[FrameFacts]) -> Iterator[tuple[str, str]]:
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
                f"{_text(hull_second)} in the last {len(first)} runs: their values seem to be exchanged",
            )


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

"""A number that usually stands for no value is the smallest or the largest of a column.

What it finds:
    A column of a source in which at least three rows have the same number of the digit 9, such as -999 or 99999, far from
    its other values, or outside of its values in each of the last three runs or more; or -1 where the runs before had no
    value. As a note, a column that begins with -999, -9999 or -99999, or ends with 999999999 or 2147483647, and has no
    row without a value. Ids, codes and phone numbers are not reported, and neither are limits.

Why it matters:
    Sums and averages count the number as a value.

How to fix:
    Turn the number into NULL where it is read, for example with `na_values` of a CSV file. If it is a value, allow this
    rule for the step.

Example:
    `temperature` is -999 in 72 rows, far from its other values, 17.1 to 29.
"""

from collections.abc import Sequence

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.comparable_runs import ComparableRuns
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.frame_facts import ColumnFacts, FrameFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
LOWEST = frozenset({-999, -9999, -99999, -999999, -2147483648})
HIGHEST = frozenset({999999999, 2147483647})
MIN_LARGE = 999
"""Numbers below it occur as values."""
MIN_DISTANCE = 5
"""How many times as far as the other values from each other the number is from them, without earlier runs."""
MIN_RUNS = 3
MIN_NULLS = 3
NULLS_FACTOR = 2
TEMPLATE = FindingTemplate(
    Severity.NOTE,
    "data",
    "turn the number into NULL where it is read (na_values of a CSV file); if it is a value, allow this rule for the step",
    Confidence.LOW,
)
_IDENTIFIER = LazyRegex(
    r"(?:^|_)(?:id|key|code|no|nr|num|number|phone|mobile|fax|zip|postal|account|hash|seed|ean|isbn|sku|ref)(?:_|$)|[a-z]Id$|id$|key$|code$|number$",
    2,
)
_BOUND = LazyRegex(
    r"limit|max|min_|cap|quota|until|thresh|bound|priorit|rank|sort|order|position|version|year|serial|counter|seq",
    2,
)
"""Columns in which a number of the digit 9 means none, the last or the largest."""
_SUMMED = LazyRegex(
    r"amount|price|total|value|cost|revenue|sales|turnover|fee|tax|paid|payment|charge|refund|discount|credit|debit|balance"
    r"|betrag|castka|cena|montant|importe|qty|quantity|pieces|units|stock|chang|delta|diff|adjust",
    2,
)
"""Columns in which a refund of 999 is no unusual value."""
_Range = tuple[float, float]


def check(run: Run, lineage: Lineage) -> Findings:
    """Find columns of sources with a number for no value at an end of their range."""
    comparable = ComparableRuns(run, lineage)
    for step, frame in run.successful_frames():
        if step.inputs and not step.is_source:
            continue
        before = [each.frames[step.id] for each in comparable.for_step(step.id) if step.id in each.frames]
        for column in frame.columns:
            if (frame.rows or 0) <= 1 or _IDENTIFIER.search(column.name[:100]):
                continue
            repeated = _repeated(column, before)
            message = repeated or _single(column)
            if message:
                yield TEMPLATE.finding(
                    message,
                    frame_evidence(frame, column.name),
                    step=step.id,
                    severity=Severity.WARNING if repeated else None,
                    confidence=Confidence.MEDIUM if repeated else None,
                )
                break


def _repeated(column: ColumnFacts, before: Sequence[FrameFacts]) -> str:
    """Describe a repeated number apart from the other values, or from those of the runs before; empty if there is none."""
    sentinel, ends = column.sentinel, _range(column)
    if sentinel is None or ends is None or _BOUND.search(column.name[:100]):
        return ""
    rest = (sentinel.following, ends[1]) if sentinel.value < 0 else (ends[0], sentinel.following)
    text = f"{column.name!r} is {sentinel.value:.10g} in {sentinel.rows:,} rows"
    earlier = [one for frame in before if (one := frame.column(column.name)) is not None]
    ranges = [known for one in earlier if (known := _range(one)) is not None]
    is_large = abs(sentinel.value) >= MIN_LARGE
    if len(ranges) >= MIN_RUNS:
        hull = min(low for low, _ in ranges), max(high for _, high in ranges)
        is_new = _is_apart(sentinel.value, hull, 1) and is_large
        is_only_negative = sentinel.value < 0 <= min(hull[0], rest[0]) and not _SUMMED.search(
            column.name[:100]
        )
        if is_new or (is_only_negative and (is_large or _replaces_nulls(column, earlier))):
            return f"{text}, and was {_text(hull)} in the last {len(ranges)} runs: the number seems to stand for no value"
        return ""
    if is_large and rest[0] < rest[1] and _is_apart(sentinel.value, rest, MIN_DISTANCE):
        return f"{text}, far from its other values, {_text(rest)}: the number seems to stand for no value"
    return ""


def _is_apart(value: float, ends: _Range, distance: float) -> bool:
    """Return True if a value is farther from a range than ``distance`` times its width."""
    return max(ends[0] - value, value - ends[1]) > distance * (ends[1] - ends[0])


def _replaces_nulls(column: ColumnFacts, earlier: Sequence[ColumnFacts]) -> bool:
    """Return True if about as many rows had no value in each run before, and none has none now."""
    nulls, rows = [one.nulls or 0 for one in earlier], column.sentinel.rows if column.sentinel else 0
    is_like = min(nulls) <= NULLS_FACTOR * rows and rows <= NULLS_FACTOR * max(nulls)
    return not column.nulls and min(nulls) >= MIN_NULLS and is_like


def _single(column: ColumnFacts) -> str:
    """Describe a number that stands for no value in other columns; empty if there is none."""
    ends = _range(column)
    if column.nulls or ends is None or ends[0] == ends[1]:
        return ""
    value = column.low if ends[0] in LOWEST else column.high if ends[1] in HIGHEST else ""
    if not value:
        return ""
    return f"{column.name!r} has values from {column.low} to {column.high} and no row without one; {value} usually stands for no value"


def _range(column: ColumnFacts) -> _Range | None:
    """Return the smallest and the largest value of a column of numbers; None if they are unknown."""
    try:
        return float(column.low or ""), float(column.high or "")
    except ValueError:
        return None


def _text(ends: _Range) -> str:
    return f"{ends[0]:,.10g} to {ends[1]:,.10g}"

"""A column has numbers that its name does not allow, or became infinite or negative.

What it finds:
    An age below 0 or above 130, a latitude or longitude outside of the globe, a month, an hour or a weekday that does not
    exist, a share or a rate of conversion above 100 %, a price or a duration below 0; an infinite number; and a column
    that became negative where its numbers were converted to a smaller type. The first step with them is reported.

Why it matters:
    The value is an error of input, a wrong unit, swapped columns, a division by 0 or an overflow, and averages and sums
    contain it.

How to fix:
    Find the rows, and correct or leave them out where they are read. If the numbers are right, allow this rule for the step.

Example:
    `age` has values from -3 to 69.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.frame_facts import ColumnFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "find the rows and correct them where they are read; if the numbers are right, allow this rule for the step",
    Confidence.MEDIUM,
)


class _Range(NamedTuple):
    """The numbers that columns of a name can have; above ``scaled`` they have another unit."""

    name: LazyRegex
    low: float
    high: float
    scaled: float = float("inf")


_INFINITE: Final = float("inf")
_AGE: Final = _Range(LazyRegex(r"(?i:^(?:(?:customer|patient|user|person|client|member|employee|buyer)_?)?age(?:_years)?$)"), 0, 130)  # fmt: skip
_RANGES: Final = (
    _AGE,
    _Range(LazyRegex(r"(?i:^(?:\w{1,30}_)?(?:lat|latitude)$)"), -90, 90, 1000),
    _Range(LazyRegex(r"(?i:^(?:\w{1,30}_)?(?:lon|lng|longitude)$)"), -180, 180, 1000),
    _Range(LazyRegex(r"(?i:^(?:\w{1,30}_)?month(?:_no|_number|_of_year)?$)"), 0, 12, 99),
    _Range(LazyRegex(r"(?i:^(?:\w{1,30}_)?hour(?:_of_day)?$)"), 0, 24, 99),
    _Range(LazyRegex(r"(?i:^(?:weekday|day_of_week|dow)$)"), 0, 7),
    _Range(LazyRegex(r"(?i:^(?:\w{1,30}_)?(?:share|conversion|discount|humidity|open|click|bounce|success|churn|retention)_(?:rate|pct|percent|percentage)$)"), 0, 100),
    _Range(LazyRegex(r"(?i:^(?:unit_|list_|sale_|sales_|net_|gross_)?price(?:_(?:eur|czk|usd|gbp))?$)"), 0, _INFINITE),
    _Range(LazyRegex(r"(?i:^(?:\w{1,30}_)?(?:duration|elapsed|latency)(?:_(?:s|ms|sec|seconds|min|minutes|hours|days))?$)"), 0, _INFINITE),
)  # fmt: skip
_BOUND: Final = LazyRegex(r"(?i:low|upp|min|max|bound|limit|from|to$|until|thresh|bin|edge)")
_WHOLE: Final = LazyRegex(r"-?\d{1,20}")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find the first steps whose numbers cannot be."""
    for step, frame in run.successful_frames():
        sources = run.input_frames(step)
        for column in frame.columns:
            before = [one for source in sources if (one := source.column(column.name)) is not None]
            reason = "" if any(map(_reason, before)) else _reason(column) or _overflow(column, before)
            if reason:
                yield TEMPLATE.finding(
                    f"{column.name!r} has values from {column.low} to {column.high}: {reason}",
                    frame_evidence(frame, column.name),
                    step=step.id,
                )
                break


def _reason(column: ColumnFacts) -> str:
    """Return why the numbers of a column cannot be; empty if they can."""
    low, high = _number(column.low), _number(column.high)
    if low is None or high is None:
        return ""
    if _INFINITE in (-low, high):
        return "" if _BOUND.search(column.name[:100]) else "infinite numbers, as a division by 0 returns them"
    allowed = next((one for one in _RANGES if one.name.search(column.name[:100])), None)
    if (
        allowed is None
        or max(abs(low), abs(high)) > allowed.scaled
        or (low >= allowed.low and high <= allowed.high)
        or (allowed is _AGE and low > allowed.high)  # of something else than persons: hours, days
    ):
        return ""
    if allowed.high == _INFINITE:
        return "it is below 0"
    return f"it is not between {allowed.low:g} and {allowed.high:g}"


def _overflow(column: ColumnFacts, before: Sequence[ColumnFacts]) -> str:
    """Return why a column of whole numbers became negative; empty if it is not an overflow."""
    low = _number(column.low) or 0
    sizes = {"int8": 8, "int16": 16, "int32": 32}
    size = sizes.get(column.dtype.lower())
    for one in before:
        bits = sizes.get(one.dtype.lower(), 64)
        was_positive = (_number(one.low) or -1) >= 0 or one.low == "0"
        if size is not None and low < 0 and was_positive and size < bits:
            return f"it had no negative number before its conversion to {column.dtype}, which overflowed"
    return ""


def _number(text: str | None) -> float | None:
    """Return a number from its text; None for a time or a date."""
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        return None

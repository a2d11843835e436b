"""A column has times that cannot be: the start of 1970, or a year after 2200.

What it finds:
    A column of times that begins with exactly 1970-01-01 00:00:00, that lies as a whole or begins in January 1970 as
    seconds do when they are read as milliseconds, or that ends after the year 2200. A column of events, such as
    `order_date`, that begins with a first day that stands for none, such as 1900-01-01, or whose creation ends with
    9999-12-31. A column of whole numbers that has seconds and milliseconds since 1970. The usual last days of other
    columns, periods of validity and dates of birth are not reported.

Why it matters:
    A number of seconds, milliseconds or nanoseconds was converted with another unit, or a time stands for no time.
    The smallest, the largest and the difference of such times are wrong.

How to fix:
    Convert the numbers with their unit. Turn 0 into NULL before the conversion. If the times are right, allow this rule
    for the step.

Example:
    `created_at` of `extract-orders` has times from 1970-01-20 17:24:32 to 1970-01-20 18:01:05.
"""

from typing import NamedTuple

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.frame_facts import ColumnFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
MAX_YEAR = 2200
MAX_PERIOD_YEAR = 3200
FIRST_YEAR = 1995
LAST_YEAR = 9999
MIN_INFINITE_YEAR = 200_000
"""Infinity is the last time that its type has, in the year 294247 or later."""
DAY = 86_400
EPOCH_SECONDS = (900_000_000, 2_500_000_000)
"""The years 1998 to 2049 in seconds since 1970."""
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "check the unit of the conversion (seconds, milliseconds, nanoseconds); if the times are right, allow this rule for the step",
    Confidence.MEDIUM,
)
_TEXT = LazyRegex(r"(\d{4,7})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d):(\d\d(?:\.\d{1,9})?))?(?:Z|[+-]\d\d:\d\d)?")
_INTEGER = LazyRegex(r"\d{9,20}")
_TIME_NAME = LazyRegex(
    r"(?:^|_)(?:at|on|ts|time|timestamp|date|day|epoch|created|updated|modified|since)(?:_|$)|[a-z](?:At|Time|Date|Timestamp)$",
    0,
)
_CREATED = LazyRegex(
    r"(?:.{0,40}_)?(?:created|ordered|registered|joined|received|sold|purchased|booked|ingested|logged)(?:_at|_on|_date|_time|_ts)?"
    r"|(?:.{0,40}_)?(?:order|creation|registration|purchase|booking|invoice|transaction|event)_?(?:date|time|ts|timestamp|day)",
    2,
)
"""Times that are in the past in every row."""
_TWO_UNITS = "seconds and milliseconds since 1970 are mixed"
_FIRST_DAYS = frozenset(
    {
        (1, 1, 1),
        (1601, 1, 1),
        (1753, 1, 1),
        (1899, 12, 30),
        (1899, 12, 31),
        (1900, 1, 1),
        (1900, 1, 2),
        (1901, 1, 1),
    }
)
_EVENT = LazyRegex(
    r"(?:.{0,60}_)?(?:at|on|ts|created|updated|modified|changed|deleted|login|seen|sent|shipped|delivered|paid|ordered|registered|synced)"
    r"|.{0,60}[a-z]At|(?:last|first|created|updated|modified|changed|order|ship|login|delivery|payment)\w{0,40}",
    2,
)
_PERIOD = LazyRegex(
    r"birth|born|\bdob\b|geburt|valid|effective|expir|lease|matur|until|(?:^|_)(?:from|to|start|end|due|since|begin)",
    2,
)


class _Moment(NamedTuple):
    year: int
    month: int
    day: int
    seconds: float

    @property
    def is_epoch(self) -> bool:
        return self == (1970, 1, 1, 0)

    @property
    def is_sentinel(self) -> bool:
        """True for a day that stands for none: the first or the last of a year, or of a type."""
        is_end_of_year = (self.month, self.day) in ((1, 1), (1, 2), (12, 30), (12, 31))
        return is_end_of_year or (self.year, self.month) == (2262, 4) or self.year >= MIN_INFINITE_YEAR

    @property
    def since_epoch(self) -> float | None:
        """Seconds since 1970; None after January of that year."""
        is_near = (self.year, self.month) == (1970, 1)
        return (self.day - 1) * DAY + self.seconds if is_near else None


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find columns of impossible times, at the first step that has them."""
    for step, frame in run.successful_frames():
        sources = [run.frames[name] for entry in step.inputs if (name := entry.from_step or "") in run.frames]
        before = {column.name for source in sources for column in source.columns if _reason(column)}
        for column in frame.columns:
            reason = _reason(column)
            if reason and column.name not in before:
                kind = "numbers" if reason == _TWO_UNITS else "times"
                yield TEMPLATE.finding(
                    f"{column.name!r} has {kind} from {_shown(column)}: {reason}",
                    frame_evidence(frame, column.name),
                    step=step.id,
                )
                break


def _reason(column: ColumnFacts) -> str:
    """Return why the times of a column cannot be; empty if they can, or are unknown."""
    low, high = _moment(column.low), _moment(column.high)
    if _has_two_units(column):
        return _TWO_UNITS
    if high is None:
        return ""
    return (_reason_of_first(column.name, low, high) if low is not None else "") or _reason_of_last(
        column.name, high
    )


def _reason_of_first(name: str, low: _Moment, high: _Moment) -> str:
    if _is_partly_wrong_unit(name, low, high):
        return "some numbers were converted with another unit than the others"
    if _is_wrong_unit(low, high):
        return "numbers were converted with another unit"
    if low.is_epoch and _is_zero(name, high):
        return "0 was converted to a time, or stands for no time"
    if _is_placeholder(name, low, high):
        return f"{low.year:04}-{low.month:02}-{low.day:02} stands for no time"
    return ""


def _reason_of_last(name: str, high: _Moment) -> str:
    if high.is_sentinel:
        is_created = high.year == LAST_YEAR and _CREATED.fullmatch(name[:100]) is not None
        return "the last one stands for no time" if is_created else ""
    is_period = _PERIOD.search(name) is not None
    is_late = high.year > (MAX_PERIOD_YEAR if is_period else MAX_YEAR)
    return "the last one is after the year 2200" if is_late else ""


def _moment(text: str | None) -> _Moment | None:
    match = _TEXT.fullmatch(text or "")
    if match is None:
        return None
    hours, minutes, seconds = (float(part or 0) for part in match.groups()[3:])
    year, month, day = (int(part) for part in match.groups()[:3])
    return _Moment(year, month, day, hours * 3600 + minutes * 60 + seconds)


def _shown(column: ColumnFacts) -> str:
    low, high = (
        text or "" if _moment(text) is not None or _INTEGER.fullmatch(text or "") else "unknown"
        for text in (column.low, column.high)
    )
    return f"{low} to {high}"


def _has_two_units(column: ColumnFacts) -> bool:
    """Return True if whole numbers are seconds since 1970, and some are milliseconds or less."""
    low, high = column.low or "", column.high or ""
    if not (_INTEGER.fullmatch(low) and _INTEGER.fullmatch(high) and _TIME_NAME.search(column.name[:100])):
        return False
    smallest, largest = EPOCH_SECONDS
    is_seconds = smallest <= int(low) <= largest
    return is_seconds and any(smallest * 10**n <= int(high) <= largest * 10**n for n in (3, 6, 9))


def _is_partly_wrong_unit(name: str, low: _Moment, high: _Moment) -> bool:
    """Return True if the first times are seconds read as milliseconds, and the last ones are right."""
    first = low.since_epoch
    if first is None or not first % 60 or high.year < FIRST_YEAR or _PERIOD.search(name):
        return False
    smallest, largest = (seconds / 1e3 for seconds in EPOCH_SECONDS)
    return smallest <= first <= largest


def _is_placeholder(name: str, low: _Moment, high: _Moment) -> bool:
    """Return True if events begin with a day that a system uses for no time, long before the others."""
    is_first_day = low[:3] in _FIRST_DAYS and not low.seconds
    is_event = _EVENT.fullmatch(name[:100]) is not None and not _PERIOD.search(name[:100])
    return is_first_day and is_event and FIRST_YEAR <= high.year <= MAX_YEAR


def _is_wrong_unit(low: _Moment, high: _Moment) -> bool:
    """Return True if times since 1998 in seconds were read as milliseconds or less."""
    first, last = low.since_epoch, high.since_epoch
    if first is None or last is None or not last:
        return False
    for factor in (1e3, 1e6, 1e9):
        smallest, largest = (seconds / factor for seconds in EPOCH_SECONDS)
        is_inside = smallest <= last <= largest and (low.is_epoch or smallest <= first)
        if is_inside and (factor == 1e3 or last % 1):  # a time of day has no fraction
            return True
    return False


def _is_zero(name: str, high: _Moment) -> bool:
    """Return True if the first time is no time of a series and no date of birth."""
    if _PERIOD.search(name) or high.year <= 1970:
        return False
    return high.seconds % 60 != 0 or _EVENT.fullmatch(name) is not None

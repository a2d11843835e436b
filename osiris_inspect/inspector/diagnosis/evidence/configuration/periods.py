"""Periods of time that the rows of a frame cover: the smallest and the largest value of a column."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from osiris_inspect.inspector.run.counts.frame_facts import ColumnFacts


class Period(NamedTuple):
    """A period; ``low`` and ``high`` are its ends as they are recorded."""

    start: datetime
    end: datetime
    low: str
    high: str


def period_of(column: ColumnFacts | None) -> Period | None:
    """Return the period of a column of dates or times; None if it is none, or has no values."""
    if column is None or column.low is None or column.high is None or not column.is_time:
        return None
    start, end = _parsed(column.low), _parsed(column.high)
    return None if start is None or end is None else Period(start, end, column.low, column.high)


def follow_one_another(periods: Sequence[Period]) -> bool:
    """Return True if each of the periods, newest first, begins after the end of the one before."""
    return all(new.start > old.end for new, old in pairwise(periods))


def gaps_between(periods: Sequence[Period]) -> list[timedelta]:
    """Return the time from the end of each period to the start of the next; the newest is first."""
    return [new.start - old.end for new, old in pairwise(periods)]


def _parsed(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:  # a year that Python cannot represent
        return None
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)

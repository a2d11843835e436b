"""Periods of time that the rows of a frame cover, by a column, or that a step asks for, by its configuration."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import MAX_QUERY, query_key
from osiris_inspect.inspector.run.counts.frame_facts import ColumnFacts
from osiris_inspect.inspector.text.lazy_regex import LazyRegex

_TIME = r"(\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?)"
_QUOTED = rf"(?i:(?:timestamp|timestamptz|datetime|date)\s{{0,9}}\(?\s{{0,9}})?'{_TIME}'"
_BOUND = LazyRegex(rf"\b(\w{{1,80}})[\"`]?\s{{0,9}}([<>]=?)\s{{0,9}}{_QUOTED}")
_BETWEEN = LazyRegex(
    rf"\b(\w{{1,80}})[\"`]?\s{{1,9}}(?i:between)\s{{1,9}}{_QUOTED}(?:::\w{{1,20}}|\s{{0,9}}\))?\s{{1,9}}(?i:and)\s{{1,9}}{_QUOTED}"
)
_ALTERNATIVE = LazyRegex(r"(?i:\bor\b|\bunion\b)")
_ONLY_TIME = LazyRegex(_TIME)
_KEYS = (
    ("since", "until"),
    ("start", "end"),
    ("from", "to"),
    ("start_date", "end_date"),
    ("start_time", "end_time"),
    ("from_date", "to_date"),
    ("date_from", "date_to"),
    ("window_start", "window_end"),
)
"""Settings for the ends of a period."""


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


def requested_period(config: Mapping[str, Any]) -> Period | None:
    """Return the period that the query or the settings of a step ask for; None unless there is one of two constants."""
    query = config.get(query_key(config))
    ends = _ends_in_query(query[:MAX_QUERY]) if isinstance(query, str) else _ends_in_settings(config)
    if ends is None:
        return None
    start, end = map(_parsed, ends)
    return None if start is None or end is None or start > end else Period(start, end, *ends)


def _ends_in_query(query: str) -> tuple[str, str] | None:
    pairs = [(match[2], match[3]) for match in _BETWEEN.finditer(query)]
    bounds = [(match[1].lower(), match[2][0], match[3]) for match in _BOUND.finditer(query)]
    if _ALTERNATIVE.search(query) or len({column for column, _, _ in bounds}) + len(pairs) != 1:
        return None
    if pairs:
        return pairs[0]
    ends = {sign: text for _, sign, text in bounds}
    return (ends[">"], ends["<"]) if len(bounds) == len(ends) == 2 else None


def _ends_in_settings(config: Mapping[str, Any]) -> tuple[str, str] | None:
    for first, last in _KEYS:
        ends = str(config.get(first, "")), str(config.get(last, ""))
        if all(_ONLY_TIME.fullmatch(end) for end in ends):
            return ends
    return None


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

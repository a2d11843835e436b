"""Frames of several runs that each have all rows of a source: the old ones again, and the new ones."""

from collections.abc import Sequence
from itertools import pairwise

from osiris_inspect.inspector.run.counts.column_kinds import kind_of
from osiris_inspect.inspector.run.counts.frame_facts import ColumnFacts, FrameFacts
from osiris_inspect.inspector.text.lazy_regex import LazyRegex

MIN_EARLIER = 3
MIN_ROWS = 10
MIN_KEPT = 0.98
"""Part of its rows that a source has in the next run, at least."""
MAX_GROWTH = 1.5
"""The newest frame has at most this many times the rows of the one before."""
_ID = LazyRegex(r"(?i:(?:.{0,40}_)?(?:id|key|code|number))|.{0,40}(?:Id|ID)", 2)
_INTEGER = LazyRegex(r"-?\d{1,19}")
_WHEN = LazyRegex(
    r"(?:^|_)(?:date|day|week|month|quarter|year|period|time|timestamp|ts|hour|datetime|snapshot|as_?of|loaded|batch|run|version)(?:_|$)|_(?:at|on)$",
    2,
)
_ATTRIBUTE = LazyRegex(
    r"(?:^|_)(?:updated|modified|changed|birth|born|dob|valid|effective|expires?|expiry|start|end|since|until|last|first|due|renewal|founded|hired)(?:_|$)",
    2,
)
"""Times that a row has for its own sake, so that they do not say when it came."""
_CREATED = LazyRegex(r"(?:^|_)(?:created|registered|joined|signup|opened|inserted)(?:_|$)", 2)


def repeated_start(frame: FrameFacts, before: Sequence[FrameFacts]) -> str:
    """Describe a value with which each of the frames, newest first, begins; empty unless each has all rows of a source.

    The number of rows must not fall, and no column may say that the rows are those of one day.
    """
    if len(before) < MIN_EARLIER:
        return ""
    frames = (frame, *before)
    rows = [one.rows or 0 for one in frames]
    is_kept = all(new >= MIN_KEPT * old for new, old in pairwise(rows))
    if not is_kept or min(rows) < MIN_ROWS or rows[0] > MAX_GROWTH * rows[1]:
        return ""
    if any(_tells_the_day(column, frames) for column in frame.columns):
        return ""
    for column in frame.columns:
        columns = [one.column(column.name) for one in frames]
        known = [one for one in columns if one is not None]
        if len(known) == len(frames) and (start := _start(column, known, frames)):
            return f"{column.name!r} begins {start}"
    return ""


def _start(column: ColumnFacts, columns: Sequence[ColumnFacts], frames: Sequence[FrameFacts]) -> str:
    is_unique = all(column.name in one.unique for one in frames)
    hashes = {one.first_keys.get(column.name, "") for one in frames}
    if is_unique and len(hashes) == 1 and "" not in hashes:
        return "with the same value"
    if column.low is None or {one.low for one in columns} != {column.low}:
        return ""
    highs = [one.high or "" for one in columns]
    if kind_of(column.dtype) == "integer" and is_unique and _ID.fullmatch(column.name[:50]):
        numbers = [int(high) for high in highs if _INTEGER.fullmatch(high)]
        has_known = len(numbers) == len(highs)
        return f"at {column.low}" if has_known and all(new >= old for new, old in pairwise(numbers)) else ""
    is_arrival = column.is_time and not _ATTRIBUTE.search(column.name[:100])
    has_advanced = highs[0] > highs[-1] and all(new >= old for new, old in pairwise(highs))
    has_grown = (frames[0].rows or 0) > (frames[-1].rows or 0)
    return f"at {column.low}" if is_arrival and has_advanced and has_grown else ""


def _tells_the_day(column: ColumnFacts, frames: Sequence[FrameFacts]) -> bool:
    """Return True if a column may say to which run its rows belong."""
    is_named = _WHEN.search(column.name[:100]) is not None
    if not (is_named or column.is_time):
        return False
    if column.distinct == 1:
        return True
    if _ATTRIBUTE.search(column.name[:100]) or (_CREATED.search(column.name[:100]) and column.low is None):
        return False
    lows = {one.low if (one := frame.column(column.name)) is not None else None for frame in frames}
    return len(lows) > 1 or None in lows

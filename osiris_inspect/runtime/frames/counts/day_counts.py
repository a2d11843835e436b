"""Rows of a column of dates or times by day, which show a month or a day without rows among others that have some."""

from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

_EPOCH: Final = date(1970, 1, 1).toordinal()
MAX_DAYS: Final = 20_000
"""Days between the first and the last value up to which rows are counted."""
DAY_LENGTH: Final = len("2026-01-01")
MIN_MONTHS: Final = 6
MIN_DAYS: Final = 28
MIN_ROWS: Final = 20
"""Rows of each other month or day, unless all have equally many."""
MIN_EVEN: Final = {"month": 12, "day": 40}
"""Periods from which equally many rows of each other period are enough."""
MIN_PART: Final = 0.25
"""Part of the usual rows that each other month or day has at least."""


class DayCounts:
    """Counts of one column; ``add`` takes its slices."""

    def __init__(self) -> None:
        self._days: dict[int, int] = {}
        self._is_counted = True

    def add(self, array: pa.Array, low: pa.Scalar, high: pa.Scalar) -> None:
        """Add a slice of dates, of timestamps or of texts that begin with a date; ``low`` and ``high`` are its ends."""
        if not self._is_counted or not low.is_valid:
            return
        is_text = kinds.is_string(array.type) or kinds.is_large_string(array.type)
        try:
            counted = _count_texts(array) if is_text else _count_days(array, low, high)
        except (ValueError, pa.ArrowInvalid):  # a text that is no date, or a day that no calendar has
            counted = None
        for day, count in counted or ():
            self._days[day] = self._days.get(day, 0) + count
        self._is_counted = counted is not None and len(self._days) <= MAX_DAYS

    def gap(self) -> dict[str, Any] | None:
        """Return the only month or day without rows between the first and the last; None if there is not exactly one."""
        if not self._is_counted or len(self._days) < MIN_MONTHS:
            return None
        months: dict[int, int] = {}
        for day, count in self._days.items():
            one = _date_of(day)
            month = one.year * 12 + one.month - 1
            months[month] = months.get(month, 0) + count
        missing = _only_gap(months, "month", MIN_MONTHS)
        if missing is not None:
            return _described("month", f"{missing // 12}-{missing % 12 + 1:02}", months)
        missing = _only_gap(self._days, "day", MIN_DAYS)
        return None if missing is None else _described("day", str(_date_of(missing)), self._days)


def _count_texts(array: pa.Array) -> list[tuple[int, int]]:
    """Return the rows of each day, as days since 1970."""
    counted = pc.value_counts(pc.utf8_slice_codeunits(array.drop_null(), 0, DAY_LENGTH))
    days = [date.fromisoformat(text).toordinal() - _EPOCH for text in counted.field("values").to_pylist()]
    return list(zip(days, counted.field("counts").to_pylist(), strict=True))


def _count_days(array: pa.Array, low: pa.Scalar, high: pa.Scalar) -> list[tuple[int, int]] | None:
    """Return the rows of each day, as days since 1970; None for a long time, or one that Python does not represent."""
    first, last = (int(end.cast(pa.date32()).value) for end in (low, high))
    if last - first > MAX_DAYS or not 0 < first + _EPOCH <= last + _EPOCH <= date.max.toordinal():
        return None
    days = array.drop_null().cast(pa.date32(), safe=False).cast(pa.int32()).to_numpy()
    counts = np.bincount(days - first)
    return [(first + int(number), int(counts[number])) for number in np.flatnonzero(counts)]


def _only_gap(counts: dict[int, int], unit: str, fewest: int) -> int | None:
    first, last = min(counts), max(counts)
    if len(counts) < fewest or last - first != len(counts):
        return None
    missing = sum(range(first, last + 1)) - sum(counts)
    inner = [count for period, count in counts.items() if period not in (first, last)]
    is_even = len({*inner}) == 1 and len(counts) >= MIN_EVEN[unit]
    is_full = min(inner) >= max(MIN_ROWS, MIN_PART * sorted(inner)[len(inner) // 2])
    return missing if is_even or is_full else None


def _described(unit: str, missing: str, counts: dict[int, int]) -> dict[str, Any]:
    return {"unit": unit, "missing": missing, "periods": len(counts) + 1, "fewest": min(counts.values())}


def _date_of(day: int) -> date:
    return date.fromordinal(_EPOCH + day)

"""Signs that dates which were read with the month first have the day first."""

from collections.abc import Collection
from datetime import date
from typing import Final

MIN_DATES: Final = 20
MIN_DAYS: Final = 3
MIN_MONTHS: Final = 5
LAST_MONTH: Final = 12
_SATURDAY: Final = 5


def swapped_dates(dates: Collection[date]) -> dict[str, int] | None:
    """Return what shows that dates have the day first; None if nothing does.

    ``dates`` is their number: many dates hardly have no day above 12. Or they have one ``day``, and are of the months from
    ``first`` to ``last`` of a ``year``: they may be these days of one month, in which only weekends are missing. Dates of
    the first of each month are no sign.
    """
    days, months, years = (
        {one.day for one in dates},
        {one.month for one in dates},
        {one.year for one in dates},
    )
    if not days or max(days) > LAST_MONTH:
        return None
    if len(dates) >= MIN_DATES and len(days) >= MIN_DAYS:
        return {"dates": len(dates)}
    day, year, first, last = min(days), min(years), min(months), max(months)
    if len(days) > 1 or len(years) > 1 or day == 1 or len(months) < MIN_MONTHS:
        return None
    missing = [date(year, day, number) for number in range(first, last + 1) if number not in months]
    if not all(one.weekday() >= _SATURDAY for one in missing):
        return None
    return {"dates": len(dates), "day": day, "first": first, "last": last, "year": year}

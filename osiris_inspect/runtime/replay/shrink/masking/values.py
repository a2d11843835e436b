"""Values of cells: which are equal across columns, and their rank among others."""

import datetime as dt
import math
from collections.abc import Hashable, Iterable, Iterator
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pandas as pd

from osiris_inspect.runtime.replay.shrink.columns import CellsRefused, is_missing

DAY_NS: Final = 86_400_000_000_000
_SECOND_NS: Final = 1_000_000_000
_FIRST_DAY: Final = pd.Timestamp(2000, 1, 1)
_SIGNED: Final = ("number", "duration")

Order = tuple[str, Any]
"""A kind of values that can be compared, and a number that orders them."""


def values_of(cell: Any) -> Iterator[Hashable]:
    """Yield the values of a cell, equal for values that a join finds equal; none of a missing or truth value."""
    if isinstance(cell, list | tuple | set | frozenset | np.ndarray):
        for item in cell:
            yield from values_of(item)
    elif isinstance(cell, dict):
        yield from values_of([*cell, *cell.values()])
    elif not is_missing(cell) and not isinstance(cell, bool | np.bool_):
        own = cell if isinstance(cell, Hashable) else repr(cell)
        yield order_of(cell) or (type(cell).__name__, own)


def order_of(cell: Any) -> Order | None:
    """Return the kind of a number or a time, and its place among others of its kind; None for another value."""
    if isinstance(cell, bool | np.bool_ | np.complexfloating):
        return None
    if isinstance(cell, int | float | Decimal | np.integer | np.floating):
        return "number", cell.item() if isinstance(cell, np.generic) else cell
    if isinstance(cell, dt.timedelta):
        parts = pd.Timedelta(cell)
        nanoseconds = (parts.seconds * 1_000_000 + parts.microseconds) * 1000 + parts.nanoseconds
        return "duration", parts.days * DAY_NS + nanoseconds
    if isinstance(cell, dt.datetime):
        moment = pd.Timestamp(cell)
        utc = moment.tz_convert("UTC") if moment.tz is not None else moment
        kind = "time" if moment.tz is None else "time with zone"
        return kind, utc.toordinal() * DAY_NS + clock_ns(utc) + utc.nanosecond
    if isinstance(cell, dt.date):
        return "time", cell.toordinal() * DAY_NS
    return ("clock", clock_ns(cell)) if isinstance(cell, dt.time) else None


def clock_ns(clock: dt.time | dt.datetime) -> int:
    """Return the time of a day in nanoseconds, without those below a microsecond."""
    seconds = (clock.hour * 60 + clock.minute) * 60 + clock.second
    return seconds * _SECOND_NS + clock.microsecond * 1000


class Ranks:
    """Numbers and times by their rank among others: order, sign, zero, infinity and missing values stay.

    Numbers become 1, 2, …, times the days from 2000-01-01 on.
    """

    def __init__(self, cells: Iterable[Any]) -> None:
        """Rank the numbers and times of these cells."""
        orders = {order for cell in cells if not is_missing(cell) and (order := order_of(cell)) is not None}
        self._ranks: dict[Order, int] = {}
        for kind in {kind for kind, _ in orders}:
            values = sorted(value for each, value in orders if each == kind)
            negative = sum(value < 0 for value in values) if kind in _SIGNED else 0
            first = 1 if kind in _SIGNED and 0 not in values else 0
            for position, value in enumerate(values):
                rank = position - negative
                self._ranks[kind, value] = rank + first if rank >= 0 else rank

    def cell(self, cell: Any) -> Any:
        """Return the value for the rank of a cell, of the same type.

        Raises:
            CellsRefused: it has no rank, or its type has no value for it.
        """
        order = None if is_missing(cell) else order_of(cell)
        if is_missing(cell) or (isinstance(cell, float | np.floating) and math.isinf(cell)):
            return cell
        if order is None:
            raise CellsRefused(f"a value of type {type(cell).__name__} has no rank")
        try:
            return _with_rank(cell, self._ranks[order])
        except (OverflowError, ValueError) as error:
            raise CellsRefused(str(error)) from error


def _with_rank(cell: Any, rank: int) -> Any:
    if isinstance(cell, dt.timedelta):
        duration = pd.Timedelta(seconds=rank)
        return duration if isinstance(cell, pd.Timedelta) else duration.to_pytimedelta()
    if isinstance(cell, dt.datetime):
        moment = _FIRST_DAY + pd.Timedelta(days=rank)
        if cell.tzinfo is not None:
            moment = moment.tz_localize("UTC").tz_convert(cell.tzinfo)
        return moment if isinstance(cell, pd.Timestamp) else moment.to_pydatetime()
    if isinstance(cell, dt.date):
        return (_FIRST_DAY + pd.Timedelta(days=rank)).date()
    if isinstance(cell, dt.time):
        minutes, second = divmod(rank, 60)
        return dt.time(minutes // 60, minutes % 60, second, tzinfo=cell.tzinfo)
    return type(cell)(rank)

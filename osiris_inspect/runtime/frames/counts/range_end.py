"""The smallest or the largest value of a column; if it is a number that may stand for no value, how often it occurs."""

import math
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

SENTINELS: Final = frozenset({-1, *(sign * (10**digits - 1) for sign in (1, -1) for digits in range(2, 10))})
"""-1 and numbers of the digit 9, such as -999 and 99999."""


class RangeEnd:
    """One end of the range of a column of numbers; ``add`` takes its slices.

    Attributes:
        value: None without a value.
        rows: rows with the value; counted for ``SENTINELS`` only.
        following: the value next to it; known for ``SENTINELS`` only, None if there is no other.
    """

    def __init__(self, *, is_high: bool) -> None:
        self.value: Any = None
        self.rows = 0
        self.following: Any = None
        self._is_high = is_high

    @property
    def is_sentinel(self) -> bool:
        """True if the value may stand for no value."""
        return self.value in SENTINELS

    def add(self, array: pa.Array, end: pa.Scalar) -> None:
        """Add a slice, of which ``end`` is the smallest or the largest value."""
        value = end.as_py()
        if value is None or math.isnan(value):
            return
        rows, following = self._count(array, end) if value in SENTINELS else (0, None)
        if value == self.value:
            self.rows += rows
            self.following = self._outermost(following, self.following)
        elif self._outermost(value, self.value) == value:
            self.following = self._outermost(following, self.value)
            self.value, self.rows = value, rows
        else:
            self.following = self._outermost(self.following, value)

    def _count(self, array: pa.Array, end: pa.Scalar) -> tuple[int, Any]:
        others = array.filter((pc.less if self._is_high else pc.greater)(array, end))
        following = pc.min_max(others)["max" if self._is_high else "min"].as_py()
        return int(pc.sum(pc.equal(array, end)).as_py() or 0), following

    def _outermost(self, one: Any, other: Any) -> Any:
        """Return the larger of two values at the upper end, else the smaller; None is no value."""
        known = [value for value in (one, other) if value is not None]
        if not known:
            return None
        return max(known) if self._is_high else min(known)

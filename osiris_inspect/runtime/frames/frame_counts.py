"""Counts of a frame's columns, taken slice by slice while the frame is hashed: nulls, and the range of keys.

Text is never described by its values, and neither is a column whose name says that it holds a secret.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from osiris_inspect.model.redaction import is_secret_key

MAX_COLUMNS: Final = 256
"""Columns of a frame above which only nulls are counted."""
SAMPLE_ROWS: Final = 256
"""Rows by which the number of distinct values is estimated."""
MAX_RANGE_ROWS: Final = 100_000
"""Rows of a frame up to which the smallest and the largest value are searched."""
MAX_FEW: Final = 16

Distinct = Literal[0, 1, "few", "many"]


class FrameCounts:
    """Counts of the columns of one frame; ``update`` takes its slices in order.

    ``rows`` is None for a stream of unknown length.
    """

    def __init__(self, names: Sequence[str], rows: int | None) -> None:
        self._names = names
        self._rows = 0
        self._nulls = [0] * len(names)
        self._sampled: list[int] = [0] * len(names)
        self._low: list[Any] = [None] * len(names)
        self._high: list[Any] = [None] * len(names)
        self._first: list[Any] = [None] * len(names)
        self._is_sampled = len(names) <= MAX_COLUMNS
        self._is_ranged = self._is_sampled and (rows or 0) <= MAX_RANGE_ROWS

    def update(self, arrays: Sequence[pa.Array]) -> None:
        """Add the columns of the next slice."""
        for number, array in enumerate(arrays[: len(self._names)]):
            self._nulls[number] += _nulls(array)
            if self._is_sampled and not self._rows:
                self._sampled[number] = _distinct_in_sample(array)
                self._first[number] = _only_value(array) if self._sampled[number] == 1 else None
            if self._first[number] is not None and not _has_only(array, self._first[number]):
                self._first[number] = None
            if self._is_ranged and _is_key(array.type):
                self._add_range(number, array)
        self._rows += len(arrays[0]) if len(arrays) else 0
        self._is_ranged = self._is_ranged and self._rows <= MAX_RANGE_ROWS

    def _add_range(self, number: int, array: pa.Array) -> None:
        ends = pc.min_max(array)
        low, high = ends["min"], ends["max"]
        if not low.is_valid:
            return
        before = self._low[number]
        if before is None:
            self._low[number], self._high[number] = low, high
            return
        self._low[number] = low if pc.less(low, before).as_py() else before
        self._high[number] = high if pc.greater(high, self._high[number]).as_py() else self._high[number]

    @property
    def nulls(self) -> tuple[int, ...]:
        """Rows without a value, by column; NaN is no value."""
        return tuple(self._nulls)

    @property
    def distinct(self) -> tuple[Distinct | None, ...]:
        """How many different values each column has, estimated by the first rows; None if unknown."""
        return tuple(self._distinct(number) for number in range(len(self._names))) if self._is_sampled else ()

    def _distinct(self, number: int) -> Distinct | None:
        if self._nulls[number] >= self._rows:
            return 0
        low, high, sampled = self._low[number], self._high[number], self._sampled[number]
        if self._is_ranged and low is not None and low == high:
            return 1
        if not sampled:
            return None
        if self._first[number] is not None:
            return 1
        return "few" if sampled <= MAX_FEW else "many"

    @property
    def low(self) -> tuple[str | None, ...]:
        """The smallest value of each column of whole numbers or times as text; None for other columns."""
        return self._texts(self._low)

    @property
    def high(self) -> tuple[str | None, ...]:
        """The largest value of each column, as ``low``."""
        return self._texts(self._high)

    def _texts(self, values: list[Any]) -> tuple[str | None, ...]:
        if not self._is_ranged:
            return ()
        return tuple(
            None if value is None or is_secret_key(name) else _text(value)
            for name, value in zip(self._names, values, strict=True)
        )


def _text(value: Any) -> str | None:
    """Return a scalar as text; None for a date that Python cannot represent, such as an infinite one."""
    try:
        return str(value)
    except (OverflowError, ValueError):
        return None


def _nulls(array: pa.Array) -> int:
    nulls = int(array.null_count)
    if kinds.is_float64(array.type) or kinds.is_float32(array.type):
        width = array.type.bit_width // 8
        values = (
            np.frombuffer(array.buffers()[1], f"<f{width}", count=len(array), offset=array.offset * width)
            if len(array)
            else np.empty(0)
        )
        if not nulls:
            return int(np.count_nonzero(np.isnan(values)))
        nulls += int(pc.sum(pc.is_nan(array)).as_py() or 0)
    return nulls


def _is_key(kind: pa.DataType) -> bool:
    return bool(kinds.is_integer(kind) or kinds.is_date(kind) or kinds.is_timestamp(kind))


def _only_value(array: pa.Array) -> Any:
    """Return the one value of the first rows; None if its type cannot be compared."""
    value = array.slice(0, SAMPLE_ROWS).drop_null()[0]
    return None if kinds.is_float16(array.type) else value


def _has_only(array: pa.Array, value: Any) -> bool:
    """Return True if no row has another value; rows without a value do not count."""
    return pc.all(pc.equal(array, value)).as_py() is not False


def _distinct_in_sample(array: pa.Array) -> int:
    """Return the number of different values in the first rows; 0 if they cannot be compared."""
    sample = array.slice(0, SAMPLE_ROWS)
    if (
        kinds.is_nested(array.type)
        or kinds.is_dictionary(array.type)
        or isinstance(array.type, pa.BaseExtensionType)
    ):
        return 0
    return len(sample.unique()) - bool(sample.null_count)

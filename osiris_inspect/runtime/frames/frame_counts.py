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
from osiris_inspect.runtime.frames.conversion.natural import json_texts

MAX_COLUMNS: Final = 256
"""Columns of a frame above which only nulls are counted."""
SAMPLE_ROWS: Final = 256
"""Rows by which the number of distinct values is estimated."""
SAMPLE_IDS: Final = 64
"""Ids whose rows are compared."""
MAX_NESTED_ROWS: Final = 1_000
"""Rows whose lists and structures are compared."""
MAX_RANGE_ROWS: Final = 100_000
"""Rows of a frame up to which the smallest and the largest value are searched."""
MAX_FEW: Final = 16
YEAR_DIGITS: Final = 5
"""Digits of a year that Python cannot represent and that is not that of infinity."""

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
        self._only: list[Any] = [None] * len(names)  # the one value so far
        self._blank: set[int] = set()
        self._total = rows
        self._repeated: dict[str, int] = {}
        self._low: list[Any] = [None] * len(names)
        self._high: list[Any] = [None] * len(names)
        self._is_sampled = len(names) <= MAX_COLUMNS
        self._is_ranged = self._is_sampled and (rows or 0) <= MAX_RANGE_ROWS

    def update(self, arrays: Sequence[pa.Array]) -> None:
        """Add the columns of the next slice."""
        for number, array in enumerate(arrays[: len(self._names)]):
            self._nulls[number] += _nulls(array)
            if self._is_sampled and not self._rows:
                self._add_sample(number, array)
            if self._only[number] is not None and not _has_only(array, self._only[number]):
                self._only[number] = None
            if number in self._blank and self._only[number] is None and not _is_blank(array):
                self._blank.remove(number)
            if self._is_ranged and _is_key(array.type):
                self._add_range(number, array)
        if self._is_ranged and len(arrays) and not self._rows and len(arrays[0]) == self._total:
            self._add_repeated(arrays[: len(self._names)])
        self._rows += len(arrays[0]) if len(arrays) else 0
        self._is_ranged = self._is_ranged and self._rows <= MAX_RANGE_ROWS

    def _add_sample(self, number: int, array: pa.Array) -> None:
        values = _sample_values(array)
        self._sampled[number] = len(values)
        is_ranged = self._is_ranged and _is_key(array.type)
        if len(values) == 1 and _is_comparable(array.type) and not is_ranged:
            self._only[number] = values[0]
        if 0 < len(values) <= MAX_FEW and _is_text(array.type) and _is_blank(values):
            self._blank.add(number)

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

    def _add_repeated(self, arrays: Sequence[pa.Array]) -> None:
        """Count repeated rows among the first ids if a column ``id`` has fewer values than rows."""
        number = next((number for number, name in enumerate(self._names) if name.lower() == "id"), None)
        if number is None or not kinds.is_integer(arrays[number].type) or self._low[number] is None:
            return
        ids, low = arrays[number], self._low[number].as_py()
        if len(ids) <= self._high[number].as_py() - low + 1 or not all(
            _is_comparable(one.type) or kinds.is_nested(one.type) for one in arrays
        ):
            return
        batch = pa.RecordBatch.from_arrays(list(arrays), [str(position) for position in range(len(arrays))])
        batch = batch.filter(pc.less(ids, low + SAMPLE_IDS))
        nested = [position for position, one in enumerate(batch.columns) if kinds.is_nested(one.type)]
        if nested and len(batch) > MAX_NESTED_ROWS:
            return
        for position in nested:
            batch = batch.set_column(position, str(position), json_texts(batch.column(position)))
        rows = pa.Table.from_batches([batch])
        different = rows.group_by(rows.column_names, use_threads=False).aggregate([])
        self._repeated = {"rows": len(rows), "repeated": len(rows) - len(different)}

    @property
    def repeated(self) -> dict[str, int]:
        """The rows of the first ids, and how many of them repeat another; empty if ids cannot be repeated."""
        return self._repeated

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
        if self._only[number] is not None or (self._is_ranged and low is not None and low == high):
            return 1
        if not sampled:
            return None
        return "few" if sampled <= MAX_FEW else "many"

    @property
    def blank_columns(self) -> tuple[str, ...]:
        """Columns of text whose values are all empty or spaces; those without a value do not count."""
        return tuple(self._names[number] for number in sorted(self._blank))

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
    """Return a scalar as text; None for a date that neither Python nor a calendar has, such as an infinite one."""
    try:
        return str(value)
    except (OverflowError, ValueError):
        text = str(np.datetime64(value.value, getattr(value.type, "unit", "D"))).replace("T", " ")
        return text if len(text.partition("-")[0]) == YEAR_DIGITS else None


def _nulls(array: pa.Array) -> int:
    nulls = int(array.null_count)
    if _is_float(array.type):
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


def _is_float(kind: pa.DataType) -> bool:
    return bool(kinds.is_float64(kind) or kinds.is_float32(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(kinds.is_string(kind) or kinds.is_large_string(kind))


def _is_comparable(kind: pa.DataType) -> bool:
    return _is_text(kind) or _is_float(kind) or _is_key(kind) or bool(kinds.is_boolean(kind))


def _sample_values(array: pa.Array) -> pa.Array:
    """Return the different values in the first rows, without NaN; none if they cannot be compared."""
    if (
        kinds.is_nested(array.type)
        or kinds.is_dictionary(array.type)
        or isinstance(array.type, pa.BaseExtensionType)
    ):
        return array.slice(0, 0)
    values = array.slice(0, SAMPLE_ROWS).unique().drop_null()
    if _is_float(array.type) and len(values) <= MAX_FEW:
        return values.filter(pc.invert(pc.is_nan(values)))
    return values


def _has_only(array: pa.Array, value: pa.Scalar) -> bool:
    """Return True if an array has no other value; it may have none."""
    if _is_text(array.type):
        return _has_only_text(array, value.as_py().encode())
    ends = pc.min_max(array)  # ignores NaN
    return not ends["min"].is_valid or bool(ends["min"] == value and ends["max"] == value)


def _has_only_text(array: pa.Array, value: bytes) -> bool:
    """Return True if an array has no other text; compares the bytes of all cells at once, which is fast."""
    width, count = (8 if kinds.is_large_string(array.type) else 4), len(array) - array.null_count
    ends = np.frombuffer(array.buffers()[1], f"<i{width}", len(array) + 1, array.offset * width)
    lengths = np.diff(ends)
    start, size = int(ends[0]), int(ends[-1] - ends[0])
    if size != count * len(value) or not ((lengths == len(value)) | (lengths == 0)).all():
        return False
    return not size or array.buffers()[2].slice(start, size).to_pybytes() == value * count


def _is_blank(array: pa.Array) -> bool:
    return not pc.any(pc.not_equal(pc.ascii_trim_whitespace(array), "")).as_py()

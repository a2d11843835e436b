"""Counts of a frame's columns, taken slice by slice while the frame is hashed: nulls, and the range of keys.

Text is never described by its values unless they are dates, times or a few codes and words, and neither is a column whose
name says that it holds a secret.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds
import xxhash

from osiris_inspect.model.redaction import is_secret_key
from osiris_inspect.runtime.frames.conversion.natural import json_texts
from osiris_inspect.runtime.frames.counts.day_counts import DayCounts
from osiris_inspect.runtime.frames.counts.odd_values import count_words, find_forms
from osiris_inspect.runtime.frames.counts.range_end import RangeEnd
from osiris_inspect.runtime.frames.counts.value_counts import MAX_VALUES, ValueCounts

MAX_COLUMNS: Final = 256
"""Columns of a frame above which only nulls are counted."""
SAMPLE_ROWS: Final = 256
"""Rows by which the number of distinct values is estimated."""
SAMPLE_IDS: Final = 64
"""Ids whose rows are compared."""
MAX_NESTED_ROWS: Final = 1_000
"""Rows whose lists and structures are compared."""
MAX_COMPARED_ROWS: Final = 5_000
MAX_COMPARED_COLUMNS: Final = 32
"""Size of a frame up to which all rows are compared, which takes 3 ms."""
MIN_COMPARED_ROWS: Final = 20
MAX_UNIQUE: Final = 4
"""Columns of which is counted whether each row has its own value."""
MAX_TEXT_BYTES: Final = 1 << 15
"""Bytes of a column of text that are searched for characters that were decoded wrong."""
_REPLACED: Final = "\ufffd".encode()
_BYTE_ORDER_MARK: Final = "\ufeff"
_DOUBLE_ENCODED: Final = (b"\xc3\x83\xc2", b"\xc3\x84\xc2", b"\xc3\x85\xc2", b"\xc3\xa2\xe2\x82\xac")
"""Starts of an accented letter and of a quotation mark whose UTF-8 bytes were decoded as cp1252 or latin-1."""
MAX_RANGE_ROWS: Final = 100_000
"""Rows of a frame up to which the smallest and the largest value are searched."""
MAX_ROWS_OF_TIMES: Final = 20_000
"""Rows of a frame up to which the same is done for times as text, which takes 3 ms a column."""
MAX_FEW: Final = 16
MIN_UNIQUE: Final = 2
HASH_DIGITS: Final = 6
DATE_LENGTH: Final = len("2026-01-01")
MAX_TIMES: Final = 4
"""Columns of dates or times whose rows are counted by day."""
MIN_SENTINELS: Final = 3
"""Rows with the same number at an end of the range from which it may stand for no value."""
_ISO_TIME: Final = re.compile(
    r"(?:1[5-9]|2\d)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?:[T ][0-2]\d:[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?"
)
"""A date or a time as text; texts of one length and one time zone sort by time."""
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
        self._odd: dict[int, Counter[str]] = {}
        self._total = rows
        self._repeated: dict[str, int] = {}
        self._unique: tuple[str, ...] = ()
        self._first_keys: dict[str, str] = {}
        self._garbled: dict[str, int | str] = {}
        self._times_as_text: dict[int, tuple[int, str]] = {}  # length and time zone
        self._values = ValueCounts(names, rows)
        self._low: list[Any] = [None] * len(names)
        self._high: list[Any] = [None] * len(names)
        self._days: dict[int, DayCounts] = {}
        self._ends: dict[int, tuple[RangeEnd, RangeEnd]] = {}
        self._negatives: dict[int, int] = {}
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
            has_range = _is_key(array.type) or _is_fractional(array.type) or number in self._times_as_text
            if self._is_ranged and has_range:
                self._add_range(number, array)
            if self._is_ranged and _is_text(array.type):
                self._add_odd(number, count_words(array))
        if self._is_ranged and len(arrays) and not self._rows and len(arrays[0]) == self._total:
            self._add_repeated(arrays[: len(self._names)])
            if not self._repeated and MIN_COMPARED_ROWS <= len(arrays[0]) <= MAX_COMPARED_ROWS:
                self._compare_rows(arrays[: len(self._names)])
        if self._is_sampled and len(arrays) and self._values.is_counting:
            few = [number for number, count in enumerate(self._sampled) if 0 < count <= MAX_VALUES]
            self._values.update(arrays, [number for number in few if number not in self._times_as_text])
        self._rows += len(arrays[0]) if len(arrays) else 0
        self._is_ranged = self._is_ranged and self._rows <= MAX_RANGE_ROWS

    def _add_sample(self, number: int, array: pa.Array) -> None:
        values = _sample_values(array)
        self._sampled[number] = len(values)
        if _is_text(array.type) and len(values) and not self._garbled:
            counts = _garbled_text(array)
            self._garbled = {"column": self._names[number], **counts} if counts else {}
        is_ranged = self._is_ranged and _is_key(array.type)
        if len(values) == 1 and _is_comparable(array.type) and not is_ranged:
            self._only[number] = values[0]
        if 0 < len(values) <= MAX_FEW and _is_text(array.type) and _is_blank(values):
            self._blank.add(number)
        if self._is_ranged and _is_text(array.type):
            self._add_odd(number, find_forms(values))
            form = _form_of_times(values) if (self._total or 0) <= MAX_ROWS_OF_TIMES else None
            self._times_as_text |= {number: form} if form else {}

    def _add_odd(self, number: int, counts: Counter[str]) -> None:
        if counts:
            self._odd[number] = self._odd.get(number, Counter()) + counts

    def _add_range(self, number: int, array: pa.Array) -> None:
        low, high = _ends(array)
        if kinds.is_integer(array.type) or _is_fractional(array.type):
            self._add_negatives(number, array, low)
            ends = self._ends.setdefault(number, (RangeEnd(is_high=False), RangeEnd(is_high=True)))
            for end, value in zip(ends, (low, high), strict=True):
                end.add(array, value)
        elif number in self._days or len(self._days) < MAX_TIMES:
            self._days.setdefault(number, DayCounts()).add(array, low, high)
        if not low.is_valid:
            return
        before = self._low[number]
        if before is None:
            self._low[number], self._high[number] = low, high
            return
        self._low[number] = low if pc.less(low, before).as_py() else before
        self._high[number] = high if pc.greater(high, self._high[number]).as_py() else self._high[number]

    def _add_negatives(self, number: int, array: pa.Array, low: pa.Scalar) -> None:
        """Count the values below 0; the others are not read again if the smallest is not below 0."""
        is_negative = low.is_valid and low.as_py() < 0
        count = pc.sum(pc.less(array, pa.scalar(0, array.type))).as_py() if is_negative else 0
        self._negatives[number] = self._negatives.get(number, 0) + (count or 0)

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

    def _compare_rows(self, arrays: Sequence[pa.Array]) -> None:
        """Record the columns of which each row has its own value; if there is none, count the repeated rows."""
        sampled = min(len(arrays[0]), SAMPLE_ROWS)
        numbers = [
            number
            for number, array in enumerate(arrays)
            if self._sampled[number] == sampled and not array.null_count and not _is_float(array.type)
        ]
        self._unique = tuple(
            self._names[number]
            for number in numbers[:MAX_UNIQUE]
            if pc.count_distinct(arrays[number]).as_py() == len(arrays[number])
        )
        self._first_keys = {
            name: _hash_of_smallest(array)
            for name, array in zip(self._names, arrays, strict=True)
            if name in self._unique and _is_text(array.type) and not is_secret_key(name)
        }
        is_wide = len(arrays) > MAX_COMPARED_COLUMNS
        if self._unique or is_wide or not all(_is_comparable(array.type) for array in arrays):
            return
        rows = pa.Table.from_arrays(list(arrays), [str(position) for position in range(len(arrays))])
        most_varied = sorted(range(len(arrays)), key=lambda number: -self._sampled[number])[:2]
        for compared in (rows.select(most_varied), rows):  # two columns mostly tell all rows apart
            different = len(compared.group_by(compared.column_names, use_threads=False).aggregate([]))
            if different == len(rows):
                return
        self._repeated = {"rows": len(rows), "repeated": len(rows) - different}

    @property
    def repeated(self) -> dict[str, int]:
        """Rows, and how many of them repeat another: all rows, or those of the first ids of a large frame."""
        return self._repeated

    @property
    def unique(self) -> tuple[str, ...]:
        """Columns of which each row has its own value; at most ``MAX_UNIQUE``, and only of a small frame."""
        if not self._unique and self._is_sampled and MIN_UNIQUE <= self._rows < MIN_COMPARED_ROWS:
            return tuple(self._names[:1]) if self._sampled[:1] == [self._rows] else ()
        return self._unique

    @property
    def first_keys(self) -> dict[str, str]:
        """A short hash of the smallest value of each unique column of text."""
        return self._first_keys

    @property
    def garbled(self) -> dict[str, int | str]:
        """The first column with text that was decoded wrong, and how often, by kind; empty if there is none."""
        return self._garbled

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
        is_one = low is not None and low == high and self._is_ranged
        if self._only[number] is not None or is_one:
            return 1
        if not sampled:
            return None
        return "few" if sampled <= MAX_FEW else "many"

    @property
    def blank_columns(self) -> tuple[str, ...]:
        """Columns of text whose values are all empty or spaces; those without a value do not count."""
        return tuple(self._names[number] for number in sorted(self._blank))

    @property
    def odd_values(self) -> dict[str, dict[str, int]]:
        """Rows of columns of text with a word for no value or an error, by column and word, and odd forms of values."""
        if not self._is_ranged:
            return {}
        return {
            self._names[number]: dict(counts)
            for number, counts in sorted(self._odd.items())
            if not is_secret_key(self._names[number])
        }

    @property
    def value_counts(self) -> dict[str, list[tuple[str, int]]]:
        """The values of columns with few different ones, or their hashes, each with its rows, or those of a sample."""
        return self._values.counts

    @property
    def low(self) -> tuple[str | None, ...]:
        """The smallest value of each column of numbers and of times; None for other columns."""
        return self._texts(self._low)

    @property
    def high(self) -> tuple[str | None, ...]:
        """The largest value of each column, as ``low``."""
        return self._texts(self._high)

    @property
    def gaps(self) -> dict[str, dict[str, Any]]:
        """By column of dates or times, the only month or day without rows between the first and the last."""
        found = {
            self._names[number]: counts.gap()
            for number, counts in sorted(self._days.items())
            if self._is_ranged and (number not in self._times_as_text or self._are_times(number))
        }
        return {name: gap for name, gap in found.items() if gap is not None and not is_secret_key(name)}

    @property
    def sentinels(self) -> dict[str, dict[str, str | int]]:
        """By column of numbers, the value at an end of its range that may stand for no value, its rows, and the next value."""
        found = {
            self._names[number]: next((end for end in ends if end.is_sentinel), None)
            for number, ends in sorted(self._ends.items())
            if self._is_ranged and not is_secret_key(self._names[number])
        }
        return {
            name: {"value": str(end.value), "rows": end.rows, "next": str(end.following)}
            for name, end in found.items()
            if end is not None and end.rows >= MIN_SENTINELS and end.following is not None
        }

    @property
    def negatives(self) -> tuple[int | None, ...]:
        """Values below 0 by column; None for a column that does not contain numbers, or a secret."""
        if not self._is_ranged or not self._negatives:
            return ()
        return tuple(
            None if is_secret_key(name) else self._negatives.get(number)
            for number, name in enumerate(self._names)
        )

    def _texts(self, values: list[Any]) -> tuple[str | None, ...]:
        if not self._is_ranged:
            return ()
        return tuple(
            _text(value) if value is not None and self._is_described(number) else None
            for number, value in enumerate(values)
        )

    def _are_times(self, number: int) -> bool:
        """Return True if both ends of a column of text have the form of its first values."""
        ends = (self._low[number].as_py(), self._high[number].as_py())
        return all(_form_of_time(end) == self._times_as_text[number] for end in ends)

    def _is_described(self, number: int) -> bool:
        """Return True for a number or a time; not for a secret, nor for texts that are not all times."""
        if is_secret_key(self._names[number]):
            return False
        return number not in self._times_as_text or self._are_times(number)


def _form_of_times(values: pa.Array) -> tuple[int, str] | None:
    """Return the length and the time zone of texts that are all dates or times of one form; None if they are not."""
    form = _form_of_time(values[0].as_py()) if len(values) else None
    same = form is not None and all(_form_of_time(text) == form for text in values.to_pylist())
    return form if same else None


def _form_of_time(text: str) -> tuple[int, str] | None:
    if _ISO_TIME.fullmatch(text) is None:
        return None
    zone = text[19:].lstrip(".0123456789") if len(text) > DATE_LENGTH else ""
    return len(text), zone


def _hash_of_smallest(array: pa.Array) -> str:
    """Return a hash that is too short to find the text again, but shows that two frames begin with the same key."""
    return xxhash.xxh3_64_hexdigest(pc.min(array).as_py().encode())[:HASH_DIGITS]


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


def _ends(array: pa.Array) -> tuple[pa.Scalar, pa.Scalar]:
    """Return the smallest and the largest value; NaN only if there is no other."""
    if _is_float(array.type) and array.null_count < len(array):  # NumPy takes a tenth of Arrow's time
        values = array.to_numpy(zero_copy_only=False)  # null is NaN
        low, high = np.fmin.reduce(values), np.fmax.reduce(values)
        return pa.scalar(low, array.type), pa.scalar(high, array.type)
    ends = pc.min_max(array)
    return ends["min"], ends["max"]


def _is_key(kind: pa.DataType) -> bool:
    return bool(kinds.is_integer(kind) or kinds.is_date(kind) or kinds.is_timestamp(kind))


def _is_float(kind: pa.DataType) -> bool:
    return bool(kinds.is_float64(kind) or kinds.is_float32(kind))


def _is_fractional(kind: pa.DataType) -> bool:
    return _is_float(kind) or bool(kinds.is_decimal(kind))


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


def _garbled_text(array: pa.Array) -> dict[str, int]:
    """Count the replacement characters and the characters that were encoded twice; of marks their cells."""
    width = 8 if kinds.is_large_string(array.type) else 4
    ends = np.frombuffer(array.buffers()[1], f"<i{width}", len(array) + 1, array.offset * width)
    size = min(int(ends[-1] - ends[0]), MAX_TEXT_BYTES)
    data = array.buffers()[2].slice(int(ends[0]), size).to_pybytes() if size else b""
    if data.isascii():
        return {}
    counts = {
        "replacement_characters": data.count(_REPLACED),
        "double_encoded": sum(map(data.count, _DOUBLE_ENCODED)),
        "byte_order_marks": pc.sum(pc.starts_with(array, _BYTE_ORDER_MARK)).as_py()
        if _BYTE_ORDER_MARK.encode() in data
        else 0,
    }
    return {name: int(count) for name, count in counts.items() if count}


def _is_blank(array: pa.Array) -> bool:
    return not pc.any(pc.not_equal(pc.ascii_trim_whitespace(array), "")).as_py()

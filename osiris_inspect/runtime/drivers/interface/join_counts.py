"""Counts of the keys of a join of two tables, so that a reader of the run sees whether it multiplied or lost rows."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

MAX_HASHED_ROWS: Final = 20_000
"""Rows of a table above which text, several columns and sparse numbers are not counted: they have to be hashed."""
_MAX_SPARSENESS: Final = 10


@dataclass(frozen=True, slots=True)
class JoinCounts:
    """Counts of the rows of a join.

    Attributes:
        matched, right_matched: rows with a partner.
        left_duplicates, right_duplicates: rows whose key occurs earlier in the same table.
        left_repeated, right_repeated: rows with several partners.
    """

    left_rows: int
    right_rows: int
    matched: int
    right_matched: int
    left_duplicates: int
    right_duplicates: int
    left_repeated: int
    right_repeated: int


@dataclass(frozen=True, slots=True)
class CountedKeys:
    """The counts of a join, the keys of both sides, and for each row whether it has a key without a partner."""

    counts: JoinCounts
    left: pa.Table
    right: pa.Table
    left_alone: Any
    right_alone: Any


def count_keys(left: pa.Table, right: pa.Table) -> CountedKeys | None:
    """Return the counts of a join by these keys; None if there are too many rows.

    Raises:
        pyarrow.ArrowException: the keys cannot be compared.
    """
    left_rows, right_rows = left.num_rows, right.num_rows
    codes = _dense_codes(left, right)
    if codes is None and max(left_rows, right_rows) > MAX_HASHED_ROWS:
        return None
    codes = _codes(left, right) if codes is None else codes
    left_codes, right_codes = codes[:left_rows], codes[left_rows:]
    left_counts, right_counts = _counts(left_codes), _counts(right_codes)
    size = max(len(left_counts), len(right_counts), 1)
    left_counts = np.pad(left_counts, (0, size - len(left_counts)))
    right_counts = np.pad(right_counts, (0, size - len(right_counts)))
    counts = JoinCounts(
        left_rows,
        right_rows,
        int(left_counts[right_counts > 0].sum()),
        int(right_counts[left_counts > 0].sum()),
        int(np.maximum(left_counts - 1, 0).sum()),
        int(np.maximum(right_counts - 1, 0).sum()),
        int(left_counts[right_counts > 1].sum()),
        int(right_counts[left_counts > 1].sum()),
    )
    return CountedKeys(
        counts,
        left,
        right,
        (left_codes >= 0) & (right_counts[left_codes] == 0),
        (right_codes >= 0) & (left_counts[right_codes] == 0),
    )


def _dense_codes(left: pa.Table, right: pa.Table) -> Any:
    """Return the keys themselves, from 0, if they are whole numbers of one column without large gaps; else None."""
    columns = [column for table in (left, right) for column in table.columns]
    if len(columns) != 2 or not all(
        pa.types.is_integer(column.type) and not column.null_count for column in columns
    ):
        return None
    values = [column.to_numpy() for column in columns]
    if not all(map(len, values)):
        return None
    low = min(int(part.min()) for part in values)
    high = max(int(part.max()) for part in values)
    if high - low > _MAX_SPARSENESS * sum(map(len, values)):
        return None
    return np.concatenate([part.astype(np.int64) - low for part in values])


def _codes(left: pa.Table, right: pa.Table) -> Any:
    """Return a number per key, first of the left rows, then of the right; -1 for a key with a null."""
    codes: Any = None
    is_null: Any = False
    for one, other in zip(left.columns, right.columns, strict=True):
        both = pa.chunked_array([*one.chunks, *other.cast(one.type).chunks], one.type)
        encoded = both.combine_chunks().dictionary_encode()
        numbers = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)
        if encoded.null_count:
            is_null = is_null | encoded.is_null().to_numpy(zero_copy_only=False)
        if codes is None:
            codes = numbers.astype(np.int64)
        else:  # the pair of two numbers, renumbered
            pairs = codes * len(encoded.dictionary) + numbers
            codes = np.unique(pairs, return_inverse=True)[1]
    return np.where(is_null, -1, codes)


def _counts(codes: Any) -> Any:
    has_nulls = len(codes) and codes.min() < 0
    return np.bincount(codes[codes >= 0] if has_nulls else codes)

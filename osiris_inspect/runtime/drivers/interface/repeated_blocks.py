"""Rows that come several times, block after block, because a file was appended to itself."""

from collections.abc import Callable
from typing import Final

import pandas as pd
import pyarrow as pa

MIN_ROWS: Final = 10
MIN_BLOCK: Final = 5
MIN_COLUMNS: Final = 2
MAX_BLOCKS: Final = 6
MAX_DUPLICATES: Final = 0.2
"""Share of rows in the first block that repeat another, above which equal blocks are chance."""


def blocks_of_frame(frame: pd.DataFrame) -> int:
    """Return how often the rows come, block after block; 1 if they do not repeat."""

    def is_equal(start: int, length: int) -> bool:
        return all(
            column.array[start : start + length].equals(column.array[:length]) for _, column in frame.items()
        )

    blocks = _blocks(len(frame), frame.shape[1], is_equal)
    return blocks if blocks > 1 and _are_different(frame.iloc[: len(frame) // blocks]) else 1


def blocks_of_table(table: pa.Table) -> int:
    """Return how often the rows come, block after block; 1 if they do not repeat."""

    def is_equal(start: int, length: int) -> bool:
        return all(
            column.slice(start, 1).equals(column.slice(0, 1))
            and column.slice(start, length).equals(column.slice(0, length))
            for column in table.columns
        )

    blocks = _blocks(table.num_rows, table.num_columns, is_equal)
    return (
        blocks if blocks > 1 and _are_different(table.slice(0, table.num_rows // blocks).to_pandas()) else 1
    )


def _are_different(rows: pd.DataFrame) -> bool:
    return bool(rows.astype(str).duplicated().mean() <= MAX_DUPLICATES)


def _blocks(rows: int, columns: int, is_equal: Callable[[int, int], bool]) -> int:
    """Return the number of equal blocks; ``is_equal`` compares a block by start and length with the first."""
    if rows < MIN_ROWS or columns < MIN_COLUMNS:
        return 1
    for blocks in range(MAX_BLOCKS, 1, -1):
        length, rest = divmod(rows, blocks)
        if rest or length < MIN_BLOCK:
            continue
        starts = range(length, rows, length)
        if all(is_equal(start, 1) for start in starts) and all(is_equal(start, length) for start in starts):
            return blocks
    return 1

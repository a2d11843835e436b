"""Part of a frame: some of its rows and columns, with the original types and row labels."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

Frame: TypeAlias = pd.DataFrame | pa.Table
Positions: TypeAlias = npt.NDArray[np.int64]
"""Positions of rows or columns, ascending."""


@dataclass(frozen=True, slots=True, eq=False)
class FramePart:
    """Some rows and columns of a frame, which is not copied.

    Attributes:
        frame: the whole frame.
        rows: positions of the rows.
        columns: positions of the columns; the index of a pandas frame always stays.
    """

    frame: Frame
    rows: Positions
    columns: Positions

    @classmethod
    def whole(cls, frame: Frame) -> "FramePart":
        """Return the part that is the whole frame."""
        rows, columns = frame.shape
        return cls(frame, np.arange(rows), np.arange(columns))

    @property
    def is_whole(self) -> bool:
        """True if it has all rows and columns."""
        return self.frame.shape == (len(self.rows), len(self.columns))

    def with_rows(self, rows: Positions) -> "FramePart":
        """Return the part with other rows."""
        return replace(self, rows=rows)

    def with_columns(self, columns: Positions) -> "FramePart":
        """Return the part with other columns."""
        return replace(self, columns=columns)

    def take(self) -> Frame:
        """Return the part as a frame of the same kind."""
        if self.is_whole:
            return self.frame
        is_range = not len(self.rows) or self.rows[-1] - self.rows[0] == len(self.rows) - 1
        start = int(self.rows[0]) if len(self.rows) else 0
        if isinstance(self.frame, pa.Table):
            table = self.frame.select(self.columns.tolist())
            return table.slice(start, len(self.rows)) if is_range else table.take(self.rows)
        frame = self.frame if len(self.columns) == self.frame.shape[1] else self.frame.iloc[:, self.columns]
        return frame.iloc[start : start + len(self.rows)] if is_range else frame.iloc[self.rows]


def to_ranges(positions: Positions) -> list[list[int]]:
    """Return ascending positions as pairs of first and last plus one."""
    if not len(positions):
        return []
    breaks = np.flatnonzero(np.diff(positions) != 1)
    starts = positions[np.concatenate(([0], breaks + 1))]
    stops = positions[np.concatenate((breaks, [len(positions) - 1]))] + 1
    return [[int(start), int(stop)] for start, stop in zip(starts, stops, strict=True)]


def from_ranges(ranges: Iterable[Sequence[int]]) -> Positions:
    """Return the positions of these ranges."""
    pieces = [np.arange(start, stop) for start, stop in ranges]
    return np.concatenate(pieces) if pieces else np.arange(0)

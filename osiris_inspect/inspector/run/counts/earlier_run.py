"""Figures of an earlier run of the same pipeline."""

from collections.abc import Mapping
from typing import NamedTuple


class EarlierRun(NamedTuple):
    """The figures of an earlier run that succeeded.

    Attributes:
        rows: rows that each step returned.
        seconds: the sum of the steps' durations; None if unknown.
        null_shares: the share of rows without a value, by step and column; empty if not read.
    """

    id: str
    rows: Mapping[str, int]
    seconds: float | None
    null_shares: Mapping[tuple[str, str], float]

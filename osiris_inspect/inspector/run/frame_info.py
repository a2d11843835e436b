"""What is known of a spilled frame, and where it lies. ``frames`` reads it; this room needs nothing to be installed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import UnsafePath

Cell = str | None
"""A value as text; None for a null."""


@dataclass(frozen=True, slots=True)
class FrameColumn:
    """A column of a spilled frame.

    Attributes:
        type: as Parquet keeps it.
        dtype: as the worker had it; None where ``schema.json`` does not say.
        nulls: how many values are null; None where the statistics do not say.
        low, high: the smallest and the largest value as text; None where the statistics do not say.
    """

    name: str
    type: str
    dtype: str | None = None
    nulls: int | None = None
    low: Cell = None
    high: Cell = None


@dataclass(frozen=True, slots=True)
class FrameInfo:
    """What is known of a spilled frame without reading a row.

    Attributes:
        told_rows: the rows that ``schema.json`` claims; None where it does not.
    """

    path: Path
    rows: int
    bytes: int
    row_groups: int
    columns: tuple[FrameColumn, ...]
    recorded_rows: int | None = None


class FrameReader(Protocol):
    """An open frame; a context manager, closed by whoever opened it. Not for two threads at once."""

    @property
    def info(self) -> FrameInfo:
        """What is known of it without reading a row."""

    def read_page(
        self, begin: int, count: int, columns: Sequence[str] | None = None
    ) -> list[tuple[Cell, ...]]:
        """``count`` rows from ``begin`` (counted from 0), fewer at the end, their cells as text.

        Only the named columns are read, in the order of the frame; all of them without names.

        Raises:
            SpillCorrupt: the part of the file they lie in cannot be read.
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def frame_path(run: Run, step: str) -> Path:
    """Where the frame of a step is, or would be.

    Raises:
        UnsafePath: the step's name leads out of its folder.
    """
    path = run.path / layout.spill_path(step)
    if not path.resolve().is_relative_to(run.path.resolve()):
        raise UnsafePath(f"the frame of step {step!r} lies outside of the run")
    return path

"""Values that describe a spilled frame. ``tables`` reads them; this module needs no pyarrow."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import UnsafePath

Cell = str | None
"""A value as text; None for null."""


@dataclass(frozen=True, slots=True)
class FrameColumn:
    """A column of a spilled frame.

    Attributes:
        type: its Parquet type.
        dtype: its type in the worker; None if ``schema.json`` does not contain it.
        nulls: number of nulls; None if the statistics do not contain it.
        low, high: smallest and largest value as text; None if the statistics do not contain them.
    """

    name: str
    type: str
    dtype: str | None = None
    nulls: int | None = None
    low: Cell = None
    high: Cell = None


@dataclass(frozen=True, slots=True)
class FrameInfo:
    """Metadata of a spilled frame.

    Attributes:
        recorded_rows: the rows in ``schema.json``; None if it does not contain them.
    """

    path: Path
    rows: int
    bytes: int
    row_groups: int
    columns: tuple[FrameColumn, ...]
    recorded_rows: int | None = None


class FrameReader(Protocol):
    """An open frame, used as a context manager by one thread."""

    @property
    def info(self) -> FrameInfo:
        """The metadata of the frame."""

    def read_page(
        self, begin: int, count: int, columns: Sequence[str] | None = None
    ) -> list[tuple[Cell, ...]]:
        """Return ``count`` rows from ``begin`` (counted from 0), fewer at the end, with cells as text.

        ``columns`` are read in the order of the frame; None means all.

        Raises:
            SpillCorrupt: this part of the file cannot be read.
        """

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def frame_path(run: Run, step: str) -> Path:
    """Return the path of a step's frame, which may not exist.

    Raises:
        UnsafePath: the path is outside the run directory.
    """
    path = run.path / layout.spill_path(step)
    if not path.resolve().is_relative_to(run.path.resolve()):
        raise UnsafePath(f"the frame of step {step!r} lies outside of the run")
    return path

"""Values that describe how two frames differ. ``tables`` computes them; this module needs no DuckDB."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from osiris_inspect.inspector.run.frame_info import Cell, FrameInfo
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.run_types import OutputLevel

FrameMethod = Literal["fingerprint", "position", "key", "rows"]
"""Method by which rows were matched: none, their position, a key, or the whole row."""


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row that differs.

    Attributes:
        kind: ``more`` and ``fewer`` count equal rows of two frames without a key.
        row: its position, from 1, if rows are matched by position; 0 otherwise.
        key: the values of the key, or of every column of a row that only one frame has; secrets masked.
        cells: the old and the new value of each column that changed; secrets masked.
        count: how many times the row occurs more in one frame.
    """

    kind: Literal["added", "removed", "changed"]
    row: int = 0
    key: Mapping[str, Cell] = field(default_factory=dict)
    cells: Mapping[str, tuple[Cell, Cell]] = field(default_factory=dict)
    count: int = 1


@dataclass(frozen=True, slots=True)
class FrameChanges:
    """Differences of two frames.

    Attributes:
        key: the columns of the key; empty unless ``method`` is ``key``.
        rows: the rows of both frames.
        added, removed, changed: numbers of rows; a row without a key is added or removed, never changed.
        cells: number of changed cells by column, of columns that both frames have.
        rounded: number of cells that differ, but not by more than the tolerance; they count as the same.
        is_reordered: True if both have the same rows in another order.
        columns: differences of names, types and the order of columns, in words.
        samples: the first rows that differ.
        notes: why a key was not used, and what limits the comparison.
    """

    method: FrameMethod
    level: OutputLevel
    rows: tuple[int, int]
    key: tuple[str, ...] = ()
    added: int = 0
    removed: int = 0
    changed: int = 0
    cells: Mapping[str, int] = field(default_factory=dict)
    rounded: int = 0
    is_reordered: bool = False
    columns: tuple[str, ...] = ()
    samples: tuple[RowChange, ...] = ()
    notes: tuple[str, ...] = ()


class FrameComparer(Protocol):
    """Compares frames on disk.

    Attributes:
        changes: the differences of the frames that were compared, by step of the second run.
    """

    changes: dict[str, FrameChanges]

    def level(self, base: Run, base_step: str, other: Run, other_step: str) -> OutputLevel | None:
        """Return the level of the frames of a step of each run; None if they are not both on disk."""


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """One difference of the metadata of two frames, in words for both sides; ``-`` if a side has no value."""

    aspect: str
    base: str
    other: str


def compare_frames(base: FrameInfo, other: FrameInfo) -> tuple[ColumnChange, ...]:
    """Return the differences of two frames in rows, columns, their order and types, nulls and bounds."""
    differences = (
        [ColumnChange("rows", f"{base.rows:,}", f"{other.rows:,}")] if base.rows != other.rows else []
    )
    left, right = ({column.name: column for column in frame.columns} for frame in (base, other))
    for name in dict.fromkeys([*left, *right]):
        if name not in left or name not in right:
            base_value, other_value = (side[name].type if name in side else "-" for side in (left, right))
            differences.append(ColumnChange(f"column {name}", base_value, other_value))
            continue
        for aspect in ("type", "dtype", "nulls", "low", "high"):
            base_value, other_value = getattr(left[name], aspect), getattr(right[name], aspect)
            if base_value != other_value and base_value is not None and other_value is not None:
                differences.append(ColumnChange(f"{name}: {aspect}", str(base_value), str(other_value)))
    if list(left) != list(right) and set(left) == set(right):
        differences.append(ColumnChange("order of columns", ", ".join(left), ", ".join(right)))
    return tuple(differences)

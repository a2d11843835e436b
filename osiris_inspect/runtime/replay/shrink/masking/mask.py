"""Masks the values of frames, as strongly as the failure of a step allows."""

import secrets
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, get_args

import pandas as pd
import pyarrow as pa

from osiris_inspect.runtime.frames.frame_part import Frame
from osiris_inspect.runtime.replay.shrink.cells import simple_cell
from osiris_inspect.runtime.replay.shrink.columns import (
    CellsRefused,
    cells_of,
    column_names,
    column_series,
    is_missing,
    replace_columns,
    with_cells,
)
from osiris_inspect.runtime.replay.shrink.masking.keyed import KeyedMasks
from osiris_inspect.runtime.replay.shrink.masking.values import Ranks, values_of
from osiris_inspect.runtime.replay.shrink.shrink import Frames

Rung = Literal["nothing", "constant", "rank", "keyed", "unmasked"]
"""Masks of a column from the strongest to the weakest: null or zero · one value · rank · keyed · its own values."""
RUNGS: Final[tuple[Rung, ...]] = get_args(Rung)


class Column(NamedTuple):
    """A column of an input; a negative position is the index of a pandas frame."""

    input: str
    position: int


@dataclass(frozen=True, slots=True)
class MaskResult:
    """Masked frames, with which the step was tested.

    Attributes:
        frames: the frames by input.
        masks: the mask of each column by ``input.column``; ``input.index`` and ``input.attrs`` of a pandas frame only if
            they are not the default.
        unmasked: the distinct values of the columns that are not masked.
        runs: number of tests.
        is_complete: False if the limits or the user ended the search; some masks may be weaker than needed.
    """

    frames: Frames
    masks: Mapping[str, Rung]
    unmasked: Mapping[str, Sequence[Any]]
    runs: int
    is_complete: bool


@dataclass(frozen=True, slots=True)
class MaskLimits:
    """Seconds after which no test starts, and the most tests."""

    seconds: float = 60.0
    runs: int = 2000


def mask(
    frames: Frames,
    fails: Callable[[Frames], bool],
    limits: MaskLimits | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> MaskResult:
    """Return frames whose columns have the strongest masks with which a test still fails.

    A value has the same mask in every column and frame, so that joins find the same rows. The key of the masks is
    forgotten. Ctrl-C ends the search and keeps the masks found.
    """
    return _Search(frames, fails, limits or MaskLimits(), clock).run()


class _End(Exception):
    """The limits end the search."""


class _Search:
    """State of a search: the frames and the step of each column with which the test failed last."""

    def __init__(
        self, frames: Frames, fails: Callable[[Frames], bool], limits: MaskLimits, clock: Callable[[], float]
    ) -> None:
        self._fails, self._limits, self._clock = fails, limits, clock
        self._start, self._runs = clock(), 0
        self._frames = dict(frames)
        self._columns: _Columns | None = None
        self._steps: dict[Column, int] = {}
        self._tested: set[tuple[int, ...]] = set()

    def run(self) -> MaskResult:
        """Carry out the search."""
        is_complete = True
        try:
            self._strip()
            self._climb(self._prepare())
        except (_End, KeyboardInterrupt):
            is_complete = False
        columns = self._columns or self._prepare()
        masks: dict[str, Rung] = {
            columns.label(each): _RUNG_OF_STEP[step] for each, step in self._steps.items()
        }
        unmasked = {
            columns.label(each): columns.distinct(each)
            for each, step in self._steps.items()
            if step == _UNMASKED
        }
        for name, frame in self._frames.items():
            for label, values in _other_values(frame):
                masks[f"{name}.{label}"], unmasked[f"{name}.{label}"] = "unmasked", values
        return MaskResult(columns.frames(self._steps), masks, unmasked, self._runs, is_complete)

    def _strip(self) -> None:
        """Leave out what no column holds, if the step still fails: row labels, attributes, unused categories."""
        for keeps_index in (False, True):
            bare = {name: _bare(frame, keeps_index=keeps_index) for name, frame in self._frames.items()}
            if self._fails_with(bare):
                self._frames = bare
                return
        for name, frame in self._frames.items():
            for keeps_index in (False, True):
                candidate = {**self._frames, name: _bare(frame, keeps_index=keeps_index)}
                if self._fails_with(candidate):
                    self._frames = candidate
                    break

    def _prepare(self) -> "_Columns":
        self._columns = _Columns(self._frames)
        self._steps = {each: self._columns.first_equal_step(each) for each in self._columns.originals}
        return self._columns

    def _climb(self, columns: "_Columns") -> None:
        every = list(columns.originals)
        if self._try(every, 0):
            return
        self._try(every, _KEYED)
        for group in columns.groups:
            for step in range(_UNMASKED):
                if step >= max(self._steps[each] for each in group) or self._try(group, step):
                    break
        for column in (each for group in columns.groups if len(group) > 1 for each in group):
            for step in range(self._steps[column]):
                if self._try([column], step):
                    break

    def _try(self, changed: Iterable[Column], step: int) -> bool:
        """Take these columns to a step, or the next one that their types have, if the step of the run still fails."""
        assert self._columns is not None  # noqa: S101  set before the search
        candidate = dict(self._steps)
        for column in changed:
            candidate[column] = min(candidate[column], self._columns.available_step(column, step))
        key = tuple(candidate.values())
        if candidate == self._steps or key in self._tested:
            return False
        self._tested.add(key)
        if not self._fails_with(self._columns.frames(candidate)):
            return False
        self._steps = candidate
        return True

    def _fails_with(self, frames: Frames) -> bool:
        """Return True if the test fails with these frames, without a test if they are those that failed last.

        Raises:
            _End: a limit is reached.
        """
        if all(frame is self._frames[name] for name, frame in frames.items()):
            return True
        if self._runs >= self._limits.runs or self._clock() - self._start >= self._limits.seconds:
            raise _End
        self._runs += 1
        return self._fails(frames)


_RUNG_OF_STEP: Final[tuple[Rung, ...]] = ("nothing", "nothing", "constant", "rank", "keyed", "unmasked")
"""Mask of each step: null, zero, one, rank, keyed, as it is."""
_RANK, _KEYED, _UNMASKED = 3, 4, 5


class _Columns:
    """Columns of some frames: their cells, their masks, and which of them share values.

    Attributes:
        originals: the columns as they are.
        groups: the columns that share values, directly or through others.
    """

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self.originals = {
            Column(name, position): column
            for name, frame in frames.items()
            for position, column in _series(frame)
        }
        self._cells = {each: cells_of(column) for each, column in self.originals.items()}
        self._values = {each: set(self._values_in(cells)) for each, cells in self._cells.items()}
        self.groups = _connected(self._values)
        self._ranks = {
            each: ranks
            for group in self.groups
            for ranks in (Ranks(cell for each in group for cell in self._cells[each]),)
            for each in group
        }
        self._keyed = KeyedMasks(secrets.token_bytes(32))
        self._masked: dict[tuple[Column, int], pd.Series[Any] | None] = {}

    def label(self, column: Column) -> str:
        """Return the name of a column for the user."""
        if column.position < 0:
            return f"{column.input}.index"
        return f"{column.input}.{column_names(self._frames[column.input])[column.position]}"

    def distinct(self, column: Column) -> list[Any]:
        """Return the distinct values of a column, in their order."""
        present = (cell for cell in self._cells[column] if not is_missing(cell))
        return list({repr(cell): cell for cell in present}.values())

    def available_step(self, column: Column, step: int) -> int:
        """Return the first step from this one on that the type of a column has."""
        return next(each for each in range(step, _UNMASKED + 1) if self._at(column, each) is not None)

    def first_equal_step(self, column: Column) -> int:
        """Return the strongest step whose mask is the column as it is, such as null for one of nulls only."""
        original = self.originals[column]
        steps = ((step, self._at(column, step)) for step in range(_RANK))
        return next(
            (step for step, masked in steps if masked is not None and masked.equals(original)), _UNMASKED
        )

    def frames(self, steps: Mapping[Column, int]) -> Frames:
        """Return the frames with each column at its step."""
        masked: dict[str, Frame] = {}
        for name, frame in self._frames.items():
            changed = {}
            for each, step in steps.items():
                column = self._at(each, step) if each.input == name and step != _UNMASKED else None
                if column is not None:
                    changed[each.position] = column
            index = changed.pop(-1, None)
            result = replace_columns(frame, changed) if changed else frame
            if index is not None and isinstance(result, pd.DataFrame):
                result = result.set_axis(pd.Index(index.array, name=result.index.name), axis=0)
            masked[name] = result
        return masked

    def _at(self, column: Column, step: int) -> "pd.Series[Any] | None":
        """Return a column at a step; None if its type has no such mask."""
        if step == _UNMASKED:
            return self.originals[column]
        if (column, step) not in self._masked:
            try:
                self._masked[column, step] = self._mask(column, step)
            except CellsRefused:
                self._masked[column, step] = None
        return self._masked[column, step]

    def _mask(self, column: Column, step: int) -> "pd.Series[Any]":
        cells, original = self._cells[column], self.originals[column]
        if step < _RANK:
            return with_cells(original, [simple_cell(cell, step) for cell in cells])
        if step == _RANK:
            changed = [self._ranks[column].cell(cell) for cell in cells]
        else:
            is_arrow = isinstance(original.dtype, pd.ArrowDtype)
            changed = [self._keyed.cell(cell, keep_names=is_arrow) for cell in cells]
        masked = with_cells(original, changed)
        if len(set(self._values_in(cells_of(masked)))) != len(self._values[column]):
            raise CellsRefused("values that differ became equal")
        if step == _KEYED and masked.equals(original):
            raise CellsRefused("the values have no mask, such as truth values and punctuation")
        return masked

    @staticmethod
    def _values_in(cells: Iterable[Any]) -> Iterator[Hashable]:
        return (value for cell in cells for value in values_of(cell))


def _series(frame: Frame) -> "Iterator[tuple[int, pd.Series[Any]]]":
    """Yield the columns of a frame by position; the index of a pandas frame is at -1 unless it is the default one."""
    for position in range(frame.shape[1]):
        yield position, column_series(frame, position)
    if (
        isinstance(frame, pd.DataFrame)
        and not _is_default(frame.index)
        and not isinstance(frame.index, pd.MultiIndex)
    ):
        yield -1, pd.Series(frame.index.array)


def _is_default(index: pd.Index) -> bool:
    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1


def _bare(frame: Frame, *, keeps_index: bool) -> Frame:
    """Return a frame without attributes, unused categories and, if wanted, row labels; itself if it has none."""
    if isinstance(frame, pa.Table):
        fields = [each.remove_metadata() for each in frame.schema]
        schema = pa.schema(fields)
        return frame if frame.schema.equals(schema, check_metadata=True) else frame.cast(schema)
    bare = frame
    for position in range(frame.shape[1]):
        column = frame.iloc[:, position]
        if isinstance(column.dtype, pd.CategoricalDtype) and len(
            column.cat.remove_unused_categories().cat.categories
        ) < len(column.cat.categories):
            bare = replace_columns(bare, {position: column.cat.remove_unused_categories()})
    if not keeps_index and not _is_default(frame.index):
        bare = bare.reset_index(drop=True)
    if frame.attrs:
        bare = bare.copy()
        bare.attrs = {}
    return bare


def _other_values(frame: Frame) -> Iterator[tuple[str, list[Any]]]:
    """Yield the values outside of columns that no mask applies to."""
    if isinstance(frame, pa.Table):
        return
    if isinstance(frame.index, pd.MultiIndex):
        yield "index", list(frame.index.unique())
    if frame.attrs:
        yield "attrs", [frame.attrs]


def _connected(values: Mapping[Column, set[Hashable]]) -> list[list[Column]]:
    """Return the columns in groups that share values."""
    groups: list[tuple[list[Column], set[Hashable]]] = []
    for column, own in values.items():
        joined = [group for group in groups if not own.isdisjoint(group[1])]
        groups = [group for group in groups if own.isdisjoint(group[1])]
        members = [each for group in joined for each in group[0]]
        groups.append(([*members, column], own.union(*(group[1] for group in joined))))
    return [members for members, _ in groups]

"""Shrinks the inputs of a failed step to the smallest frames found with which it fails in the same way."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import xxhash

from osiris_inspect.runtime.frames.frame_part import Frame, FramePart, Positions
from osiris_inspect.runtime.replay.shrink.cells import simplify_cells
from osiris_inspect.runtime.replay.shrink.hints import named_columns, named_rows
from osiris_inspect.runtime.replay.shrink.reduce import reduce_positions

Frames = Mapping[str, Frame]
Candidate = Mapping[str, FramePart]
"""Inputs to test, by name."""
Fails = Callable[[Candidate], bool]
"""Returns True if the step fails with these inputs in the same way as before."""
What = Literal["rows", "columns", "cells"]
StoppedBy = Literal["", "budget", "runs", "interrupted", "by chance", "not reproduced", "size"]

ALL: Final[tuple[What, ...]] = ("rows", "columns", "cells")


@dataclass(frozen=True, slots=True)
class ShrinkOptions:
    """Limits and hints of a search.

    Attributes:
        what: what is reduced.
        seconds: the time after which no test starts.
        runs: the most tests.
        error: the text of the error; its values may name rows, and its words columns.
        config: text of the step's configuration, whose words may name columns.
        depends_on_size: True if a smaller frame cannot fail in this way, so nothing is reduced.
    """

    what: tuple[What, ...] = ALL
    seconds: float = 60.0
    runs: int = 2000
    error: str = ""
    config: str = ""
    depends_on_size: bool = False


class Reduction(NamedTuple):
    """A count before and after."""

    before: int
    after: int


@dataclass(frozen=True, slots=True)
class ShrinkResult:
    """The smallest frames found; they were tested, unless the failure was not reproduced.

    Attributes:
        frames: the inputs by name.
        runs: number of tests.
        seconds: duration.
        rows: rows by input.
        columns: columns by input.
        stopped_by: why the search ended before its end; empty if it did not. ``by chance``: the same frames failed only
            once of two times. ``not reproduced``: they never did. ``size``: the failure depends on the size.
    """

    frames: Frames
    runs: int
    seconds: float
    rows: Mapping[str, Reduction]
    columns: Mapping[str, Reduction]
    stopped_by: StoppedBy

    @property
    def is_by_chance(self) -> bool:
        """True if the step fails only sometimes."""
        return self.stopped_by == "by chance"

    @property
    def is_reproduced(self) -> bool:
        """True if the step failed in the same way with the returned frames."""
        return self.stopped_by not in ("by chance", "not reproduced")


def shrink(
    frames: Frames,
    fails: Fails,
    options: ShrinkOptions | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> ShrinkResult:
    """Return the smallest frames found that still fail; Ctrl-C ends the search and keeps what it found."""
    return _Search(frames, fails, options or ShrinkOptions(), clock).run()


class DependsOnSize(Exception):
    """A test finds that the failure depends on the size of the inputs."""


class _End(Exception):
    """The search ends before its end."""

    def __init__(self, reason: StoppedBy) -> None:
        super().__init__(reason)
        self.reason = reason


class _Search:
    """State of a search: the smallest inputs that failed, and the counts."""

    def __init__(
        self, frames: Frames, fails: Fails, options: ShrinkOptions, clock: Callable[[], float]
    ) -> None:
        self._frames, self._fails, self._options, self._clock = frames, fails, options, clock
        self._best: dict[str, FramePart] = {name: FramePart.whole(frame) for name, frame in frames.items()}
        self._start = clock()
        self._runs = 0
        self._tested: set[tuple[int | str, ...] | None] = set()

    def run(self) -> ShrinkResult:
        """Carry out the search."""
        stopped_by: StoppedBy = ""
        try:
            self._check_failure()
            self._reduce()
        except _End as end:
            stopped_by = end.reason
        except DependsOnSize:
            stopped_by = "size"
        except KeyboardInterrupt:
            stopped_by = "interrupted"
        found = {name: part.take() for name, part in self._best.items()}
        shapes = {name: (frame.shape, found[name].shape) for name, frame in self._frames.items()}
        return ShrinkResult(
            found,
            self._runs,
            self._clock() - self._start,
            {name: Reduction(before[0], after[0]) for name, (before, after) in shapes.items()},
            {name: Reduction(before[1], after[1]) for name, (before, after) in shapes.items()},
            stopped_by,
        )

    def _check_failure(self) -> None:
        """Test the whole frames twice.

        Raises:
            _End: the step did not fail in the same way both times, or its failure depends on the size.
        """
        if self._options.depends_on_size:
            raise _End("size")
        failures = [self._run(self._best), self._run(self._best)]
        if not all(failures):
            raise _End("by chance" if any(failures) else "not reproduced")

    def _reduce(self) -> None:
        largest_first = sorted(self._best, key=lambda name: -len(self._best[name].rows))
        what = self._options.what
        if "rows" in what:
            for name in largest_first:
                self._reduce_rows(name)
        if "columns" in what:
            for name in largest_first:
                self._reduce_columns(name)
        if "cells" in what:
            for name in largest_first:
                self._simplify(name)

    def _reduce_rows(self, name: str) -> None:
        part = self._best[name]
        hints = named_rows(part, self._options.error)
        reduce_positions(part.rows, lambda rows: self._test(name, part.with_rows(rows)), hints)

    def _reduce_columns(self, name: str) -> None:
        part, options = self._best[name], self._options

        def hints() -> Iterator[Positions]:
            yield named_columns(part, options.error)
            yield named_columns(part, f"{options.error} {options.config}")

        def passes(columns: Positions) -> bool:
            return self._test(name, part.with_columns(columns))

        reduce_positions(part.columns, passes, hints(), min_size=1)

    def _simplify(self, name: str) -> None:
        simplify_cells(self._best[name].take(), lambda frame: self._test(name, FramePart.whole(frame)))

    def _test(self, name: str, part: FramePart) -> bool:
        """Return True if the best inputs with another part still fail; they are the best then.

        Raises:
            _End: the budget or the number of runs is used up.
        """
        key = _key(name, part) if part.frame is self._frames[name] else None
        if key in self._tested:
            return False
        candidate = {**self._best, name: part}
        is_failure = self._run(candidate)
        if is_failure:
            self._best = candidate
            self._tested.clear()
        elif key is not None:
            self._tested.add(key)
        return is_failure

    def _run(self, candidate: Candidate) -> bool:
        if self._runs >= self._options.runs:
            raise _End("runs")
        if self._clock() - self._start >= self._options.seconds:
            raise _End("budget")
        self._runs += 1
        return self._fails(candidate)


def _key(name: str, part: FramePart) -> tuple[int | str, ...]:
    return (
        name,
        len(part.rows),
        *(xxhash.xxh3_64_intdigest(positions.data) for positions in (part.rows, part.columns)),
    )

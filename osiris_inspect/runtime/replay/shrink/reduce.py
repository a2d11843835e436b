"""Reduces a list of positions to a small one that passes a test."""

from collections.abc import Callable, Iterable

import numpy as np

from osiris_inspect.runtime.frames.frame_part import Positions


def reduce_positions(
    positions: Positions,
    passes: Callable[[Positions], bool],
    hints: Iterable[Positions] = (),
    *,
    min_size: int = 0,
) -> Positions:
    """Return the smallest positions found that pass; those given pass, and each returned list was tested.

    In order: the hints, until one passes; as few as allowed; halves, as long as one of them passes; then one pass of
    removals for each smaller size, without starting again.

    Args:
        positions: what to reduce.
        passes: the test.
        hints: positions that may be enough.
        min_size: the fewest positions to try.
    """
    for hint in hints:
        if min_size <= len(hint) < len(positions) and passes(hint):
            positions = hint
            break
    if len(positions) > min_size and passes(positions[:min_size]):
        return positions[:min_size]
    positions = _halve(positions, passes)
    size = len(positions) // 4 or 1
    while len(positions) > 1:
        positions = _remove(positions, size, passes, max(1, min_size))
        if size == 1:
            break
        size = max(1, min(size, len(positions)) // 2)
    return positions


def _halve(positions: Positions, passes: Callable[[Positions], bool]) -> Positions:
    while len(positions) > 1:
        middle = (len(positions) + 1) // 2
        halves = positions[:middle], positions[middle:]
        smaller = next((half for half in halves if passes(half)), None)
        if smaller is None:
            return positions
        positions = smaller
    return positions


def _remove(positions: Positions, size: int, passes: Callable[[Positions], bool], min_size: int) -> Positions:
    """Return the positions without the groups of ``size`` that are not needed, each tested once."""
    start = 0
    while start < len(positions):
        rest = np.delete(positions, slice(start, start + size))
        if len(rest) >= min_size and passes(rest):
            positions = rest
        else:
            start += size
    return positions

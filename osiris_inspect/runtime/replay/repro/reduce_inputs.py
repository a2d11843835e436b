"""Smallest masked inputs with which a step fails as it did."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from osiris_inspect.runtime.frames.frame_part import Frame
from osiris_inspect.runtime.replay.replay import ReplayHost, ReplayOptions
from osiris_inspect.runtime.replay.repro.input_frames import columns_of, unique_values
from osiris_inspect.runtime.replay.shrink.failure_test import FailureTest, failure_test
from osiris_inspect.runtime.replay.shrink.masking.mask import MaskLimits, mask
from osiris_inspect.runtime.replay.shrink.shrink import (
    ALL,
    DependsOnSize,
    ShrinkOptions,
    ShrinkResult,
    What,
    shrink,
)

_MAX_VALUES: Final = 20


@dataclass(frozen=True, slots=True)
class ReduceOptions:
    """How inputs are reduced.

    Attributes:
        what: what is reduced; empty for nothing.
        seconds: the time after which no test starts.
        runs: the most tests.
        is_masked: True if values are replaced.
    """

    what: tuple[What, ...] = ALL
    seconds: float = 60.0
    runs: int = 2000
    is_masked: bool = True


@dataclass(frozen=True, slots=True)
class ReducedInputs:
    """Inputs of a step.

    Attributes:
        original: the frames that the step had, by input.
        frames: those with which it fails in the same way.
        shrink: the entry of ``repro.json``.
        masks: the mask of each column, such as ``df.v``; empty if masks were not wanted.
        unmasked: distinct values of the columns that no mask applies to.
    """

    original: Mapping[str, Frame]
    frames: Mapping[str, Frame]
    shrink: Mapping[str, Any] | None = None
    masks: Mapping[str, str] = field(default_factory=dict)
    unmasked: Mapping[str, Sequence[Any]] = field(default_factory=dict)


def reduce_inputs(
    path: Path,
    step: str,
    options: ReduceOptions,
    replay: ReplayOptions,
    host: ReplayHost,
    on_progress: Callable[[str], None],
) -> ReducedInputs:
    """Return the reduced inputs of a failed step.

    Raises:
        OsirisError: see ``failure_test``.
    """
    with failure_test(path, step, host, replay) as test:
        reduced = ReducedInputs(test.frames, test.frames)
        if options.what:
            result = _shrink(test, options)
            reduced = replace(reduced, frames=result.frames, shrink=_document(result))
            on_progress(_line(result))
        if options.is_masked:
            reduced = _masked(test, reduced, options)
            on_progress(f"masks {', '.join(f'{name}: {rung}' for name, rung in reduced.masks.items())}")
    return reduced


def _shrink(test: FailureTest, options: ReduceOptions) -> ShrinkResult:
    limits = ShrinkOptions(
        options.what, options.seconds, options.runs, test.error, test.config, test.depends_on_size
    )
    return shrink(test.frames, test, limits)


def _masked(test: FailureTest, reduced: ReducedInputs, options: ReduceOptions) -> ReducedInputs:
    """Return the inputs with masked values; as they are if no test can tell whether the failure stays."""
    stopped_by = (reduced.shrink or {}).get("stopped_by")
    if not test.depends_on_size and stopped_by not in ("by chance", "not reproduced", "size"):
        try:
            result = mask(reduced.frames, test.fails, MaskLimits(options.seconds, options.runs))
        except DependsOnSize:
            pass  # smaller values do not fail in this way
        else:
            return replace(reduced, frames=result.frames, masks=result.masks, unmasked=result.unmasked)
    values = {
        f"{name}.{label}": list(itertools.islice(unique_values(column), _MAX_VALUES))
        for name, frame in reduced.frames.items()
        for label, column in columns_of(frame)
    }
    return replace(reduced, masks=dict.fromkeys(values, "unmasked"), unmasked=values)


def _document(result: ShrinkResult) -> dict[str, Any]:
    return {
        "runs": result.runs,
        "seconds": round(result.seconds, 1),
        "rows": {name: list(counts) for name, counts in result.rows.items()},
        "columns": {name: list(counts) for name, counts in result.columns.items()},
        "stopped_by": result.stopped_by or None,
    }


def _line(result: ShrinkResult) -> str:
    frames = (
        f"{name}: {rows.before:,} rows to {rows.after:,}, "
        f"{result.columns[name].before:,} columns to {result.columns[name].after:,}"
        for name, rows in result.rows.items()
    )
    stopped = f", stopped by: {result.stopped_by}" if result.stopped_by else ""
    return f"shrinks {'; '.join(frames)} in {result.runs:,} runs and {result.seconds:.1f} s{stopped}"

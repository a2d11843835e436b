"""Smallest masked inputs with which a step fails as it did."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from osiris_inspect.runtime.frames.frame_part import Frame
from osiris_inspect.runtime.replay.replay import ReplayHost, ReplayOptions
from osiris_inspect.runtime.replay.shrink.failure_test import FailureTest, failure_test
from osiris_inspect.runtime.replay.shrink.shrink import ALL, ShrinkOptions, ShrinkResult, What, shrink


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
        masks: the mask of each column, such as ``df.v``.
    """

    original: Mapping[str, Frame]
    frames: Mapping[str, Frame]
    shrink: Mapping[str, Any] | None = None
    masks: Mapping[str, str] = field(default_factory=dict)


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
        original = frames = test.frames
        document = None
        if options.what:
            result = _shrink(test, options)
            frames, document = result.frames, _document(result)
            on_progress(_line(result))
    return ReducedInputs(original, frames, document)


def _shrink(test: FailureTest, options: ReduceOptions) -> ShrinkResult:
    limits = ShrinkOptions(
        options.what, options.seconds, options.runs, test.error, test.config, test.depends_on_size
    )
    return shrink(test.frames, test, limits)


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

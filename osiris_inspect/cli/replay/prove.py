"""``diff --prove``: replays the step that failed with one difference of the run that works at a time."""

from dataclasses import replace
from typing import TYPE_CHECKING

from osiris_inspect.cli.support import streams

if TYPE_CHECKING:
    from osiris_inspect.inspector.run.comparison.run_diff import RunDiff
    from osiris_inspect.model.failure.proof import Proof
    from osiris_inspect.runtime.replay.swaps.run_swaps import Swap


def prove(diff: "RunDiff", *, allow_writes: bool) -> "Proof":
    """Return what replays of the first failed step of the second run prove. No run is changed.

    Raises:
        KeyboardInterrupt: the user interrupted a replay.
    """
    from osiris_inspect.model.errors import OsirisError
    from osiris_inspect.model.failure.proof import Proof

    pair = diff.failed_step
    if pair is None or pair.other is None:
        return Proof("", "not tested", reason=f"no step of {diff.other.id} failed")
    if pair.base is None:
        return Proof(pair.step, "not tested", reason=f"{diff.base.id} has no step {pair.step!r}")
    try:
        return _prove(diff, (pair.base.step.id, pair.other.step.id), allow_writes=allow_writes)
    except OsirisError as error:
        return Proof(pair.step, "not tested", reason=str(error))


def _prove(diff: "RunDiff", steps: tuple[str, str], *, allow_writes: bool) -> "Proof":
    from osiris_inspect.cli.replay.foreign import check_own
    from osiris_inspect.cli.replay.replay import host_of_replay
    from osiris_inspect.runtime.replay.earlier.earlier_pipeline import read_run
    from osiris_inspect.runtime.replay.replay import ReplayOptions
    from osiris_inspect.runtime.replay.swaps.run_swaps import SwapRunner
    from osiris_inspect.runtime.replay.swaps.swaps_of_run import RunSwaps

    for run in (diff.base, diff.other):
        check_own(run.path, "diff --prove")
    options = ReplayOptions(allow_writes=allow_writes)
    base, other = read_run(diff.base.path), read_run(diff.other.path)
    swaps = RunSwaps(base, steps[0], other, steps[1], options)
    runner = SwapRunner(
        other.path,
        steps[1],
        replace(host_of_replay(), compare_frames=None),
        lambda swap: _print_progress(steps[1], swap),
        redirect_stderr=streams.free_stderr_descriptor(),
    )
    return runner.prove(options, tuple(swaps))


def _print_progress(step: str, swap: "Swap | None") -> None:
    from osiris_inspect.inspector.text.sanitize import one_line

    how = "unchanged" if swap is None else f"with A's {swap.kind} ({', '.join(swap.names)})"
    streams.write_stderr(f"replays {one_line(step)} {one_line(how)}\n")

"""Replays a failed step unchanged and with each swap, until one makes it succeed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from osiris_inspect.model.errors import InputsGone, OsirisError
from osiris_inspect.model.failure.proof import Proof, SwapKind, SwapOutcome, SwapResult
from osiris_inspect.runtime.replay.replay import Replay, ReplayHost, ReplayOptions

_CONFIRMATION: Final = (True, False, False, True)
"""Repetitions with (True) and without a swap that succeeded: a step that fails by chance rarely agrees with all."""


@dataclass(frozen=True, slots=True)
class Swap:
    """Difference that a replay takes over from the run that works.

    Attributes:
        names: the keys, settings or steps that it takes over.
        options: the replay; None if it cannot run.
        reason: why it cannot run.
        parts: the swap divided, to find the part that is enough.
    """

    kind: SwapKind
    names: tuple[str, ...]
    options: ReplayOptions | None
    reason: str = ""
    parts: "tuple[Swap, ...]" = ()


@dataclass(frozen=True, slots=True)
class _Outcome:
    result: SwapResult
    reason: str = ""


class SwapRunner:
    """Runs a failed step of a run again, each time in a new folder that is removed afterwards."""

    def __init__(
        self,
        path: Path,
        step: str,
        host: ReplayHost,
        on_replay: Callable[[Swap | None], None],
        *,
        redirect_stderr: bool = False,
    ) -> None:
        """``on_replay`` is called before each replay, with its swap or None; ``redirect_stderr`` is as in ``Replay.run``."""
        self._path, self._step, self._host, self._on_replay = path, step, host, on_replay
        self._redirect_stderr = redirect_stderr
        self._replays = 0

    def prove(self, unchanged: ReplayOptions, swaps: Sequence[Swap]) -> Proof:
        """Return whether one of the swaps makes the step succeed; they are tested in order.

        Raises:
            KeyboardInterrupt: the user interrupted a replay.
        """
        first = self._run(unchanged, None)
        if first.result != "same failure":
            result = "not reproduced" if first.result == "succeeds" else first.result
            return Proof(self._step, result, replays=self._replays, reason=first.reason)
        outcomes: list[SwapOutcome] = []
        for swap, outcome in self._outcomes(swaps):
            outcomes.append(outcome)
            if outcome.result == "succeeds":
                is_confirmed = self._confirm(unchanged, swap)
                smallest = self._smallest(swap, outcome) if is_confirmed else None
                return Proof(
                    self._step,
                    "proved" if is_confirmed else "by chance",
                    smallest,
                    tuple(outcomes),
                    self._replays,
                )
        return Proof(
            self._step,
            "none alone" if outcomes else "nothing to swap",
            swaps=tuple(outcomes),
            replays=self._replays,
        )

    def _outcomes(self, swaps: Sequence[Swap]) -> Iterator[tuple[Swap, SwapOutcome]]:
        for swap in swaps:
            done = _Outcome("not tested", swap.reason)
            if swap.options is not None:
                done = self._run(swap.options, swap)
            yield swap, SwapOutcome(swap.kind, swap.names, done.result, done.reason)

    def _confirm(self, unchanged: ReplayOptions, swap: Swap) -> bool:
        """Return True if the step fails again without the swap, and succeeds again with it."""
        for is_swapped in _CONFIRMATION:
            options = swap.options if is_swapped and swap.options is not None else unchanged
            expected = "succeeds" if is_swapped else "same failure"
            if self._run(options, swap if is_swapped else None).result != expected:
                return False
        return True

    def _smallest(self, swap: Swap, outcome: SwapOutcome) -> SwapOutcome:
        """Return the first part of a swap with which the step succeeds, else the whole swap."""
        parts = swap.parts if len(swap.parts) > 1 else ()
        enough = (part for _, part in self._outcomes(parts) if part.result == "succeeds")
        return next(enough, outcome)

    def _run(self, options: ReplayOptions, swap: Swap | None) -> _Outcome:
        self._on_replay(swap)
        with TemporaryDirectory(prefix="osiris-prove-", ignore_cleanup_errors=True) as folder:
            try:
                replay = Replay(self._path, self._step, replace(options, logs=Path(folder)), self._host)
                self._replays += 1
                result = replay.run(redirect_stderr=self._redirect_stderr)
            except InputsGone as error:
                return _Outcome(
                    "not tested",
                    f"{error.message}; run the pipeline again with --keep frames, and compare that run",
                )
            except OsirisError as error:
                return _Outcome("not tested", str(error))
        if result.run.status == "interrupted":
            raise KeyboardInterrupt
        if result.verdict is None:
            return _Outcome("not tested", f"the step was not reached: {result.error}")
        if not result.verdict.has_failed:
            return _Outcome("succeeds")
        if result.verdict.is_same:
            return _Outcome("same failure")
        return _Outcome("other failure", result.error or "")

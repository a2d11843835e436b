"""Result of replays of a failed step that take over one difference of another run at a time."""

from dataclasses import dataclass
from typing import Literal

SwapKind = Literal["configuration", "place", "settings", "frames"]
SwapResult = Literal["succeeds", "same failure", "other failure", "not tested"]
ProofResult = Literal[
    "proved", "not reproduced", "other failure", "by chance", "none alone", "nothing to swap", "not tested"
]


@dataclass(frozen=True, slots=True)
class SwapOutcome:
    """Outcome of a failed step with a difference of the run that works.

    Attributes:
        names: the keys, settings or steps that were taken over.
        reason: why it was not tested; empty if it was.
    """

    kind: SwapKind
    names: tuple[str, ...]
    result: SwapResult
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """Answer to the question if one difference of two runs makes a failed step succeed.

    Attributes:
        step: the step; empty if none failed.
        result: ``not reproduced``: it succeeds unchanged; ``other failure``: unchanged, it now fails otherwise; ``by
            chance``: repetitions disagree; ``none alone``: it fails with each difference.
        proved: the smallest difference with which it succeeds; None unless ``result`` is ``proved``.
        swaps: the differences that were tested, in order.
        replays: number of times that the step ran.
        reason: why nothing was tested, or the other failure.
    """

    step: str
    result: ProofResult
    proved: SwapOutcome | None = None
    swaps: tuple[SwapOutcome, ...] = ()
    replays: int = 0
    reason: str = ""

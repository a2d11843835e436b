"""The result of a comparison of two runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from osiris_inspect.inspector.run.comparison.difference_ranking import RankedDifference
from osiris_inspect.inspector.run.comparison.divergence import StepComparison
from osiris_inspect.inspector.run.comparison.frame_changes import FrameChanges
from osiris_inspect.inspector.run.run import Run, StepFailure
from osiris_inspect.model.failure.proof import Proof

SAME_OUTPUT: Final = "in steps with the same output"
IN_STORAGE: Final = "in storage"
NOT_NEEDED: Final = "in steps that do not lead to the failure"
IN_SURROUNDINGS: Final = "in settings and surroundings"


@dataclass(frozen=True, slots=True)
class RunDiff:
    """The differences of two runs. ``base`` is the run that works, A.

    Attributes:
        is_swapped: True if the runs were named in the other order, because only the second one succeeded.
        steps: every step of both runs.
        first: the steps where the runs first diverge; empty if none diverges.
        is_certain: False if the outputs of ``first`` may differ in the order of their rows only.
        ranked: the differences that may have caused it, the most likely first.
        unrelated: number of differences that explain nothing, by where they are.
        notes: what limits the comparison.
        frames: the differences of frames that were compared on disk, by step.
        proof: what replays of the step that failed prove; None if it was not replayed.
    """

    base: Run
    other: Run
    steps: tuple[StepComparison, ...]
    first: tuple[StepComparison, ...]
    ranked: tuple[RankedDifference, ...]
    is_swapped: bool = False
    is_certain: bool = True
    unrelated: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    frames: Mapping[str, FrameChanges] = field(default_factory=dict)
    proof: Proof | None = None

    @property
    def failed_step(self) -> StepComparison | None:
        """The first step of the second run that failed."""
        failed = (
            step for step in self.steps if step.other is not None and step.other.step.status == "failed"
        )
        return next(failed, None)

    @property
    def differs(self) -> bool:
        """True if a step diverges, or the runs ended differently."""
        return bool(self.first) or ended_well(self.base) != ended_well(self.other)

    @property
    def unordered(self) -> tuple[StepComparison, ...]:
        """The steps whose output differs, perhaps in the order of its rows only."""
        return tuple(step for step in self.steps if step.outcome.verdict == "unknown")

    @property
    def failure(self) -> StepFailure | None:
        """The failure of the second run, else that of the first one; None if neither failed."""
        return failure_of(self.other) or failure_of(self.base)


def ended_well(run: Run) -> bool:
    """Return True if a run succeeded."""
    return run.status == "success"


def failure_of(run: Run) -> StepFailure | None:
    """Return the failure of the first step that failed, else that of the run."""
    failures = (step.failure for step in run.steps if step.status in ("failed", "interrupted"))
    return next((failure for failure in failures if failure is not None), run.failure)

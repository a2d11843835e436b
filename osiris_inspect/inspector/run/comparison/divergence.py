"""First divergence of two runs: the steps whose outcome differs although each of their inputs is the same."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from osiris_inspect.inspector.run.comparison.step_outcome import (
    OutcomeComparison,
    StepOutcome,
    compare_outcomes,
    is_order_stable,
    step_outcome,
)
from osiris_inspect.inspector.run.run import InputState, Run, StepState
from osiris_inspect.model.run_types import OutputLevel

Divergence = Literal["none", "first", "possible", "later"]
"""``possible``: the output differs, perhaps in its order only. ``later``: an input differs too."""
LevelLookup = Callable[[str, str], OutputLevel | None]
"""Returns the level of the frames of a step of each run; None if they are not both on disk."""


@dataclass(frozen=True, slots=True)
class StepComparison:
    """A step in two runs. A side is None if that run has no such step.

    Attributes:
        step: its id in the second run, else in the first one.
        on_path: True if it can lead to the failure: it failed, or a step that failed needs it.
        has_same_config: True if both runs record the same driver and configuration of it.
    """

    step: str
    base: StepOutcome | None
    other: StepOutcome | None
    outcome: OutcomeComparison
    divergence: Divergence
    on_path: bool
    has_same_config: bool

    @property
    def is_renamed(self) -> bool:
        """True if the step has another id in each run."""
        return self.base is not None and self.other is not None and self.base.step.id != self.other.step.id


def compare_steps(
    base: Run,
    other: Run,
    *,
    level_of: LevelLookup = lambda _base, _other: None,
    unstable: Callable[[str], bool] = lambda _step: False,
    has_same_versions: bool = True,
) -> tuple[StepComparison, ...]:
    """Return the steps of two runs, those of the second one first, in the order of the plans.

    ``level_of`` compares two frames on disk; it is called only if the fingerprints differ. ``unstable`` returns True for a
    step that returns other values each time. ``has_same_versions`` is True if both runs used the same versions of Python,
    DuckDB and the drivers.
    """
    matched = match_steps(base.steps, other.steps)
    failing = _path_to_failure(base), _path_to_failure(other)
    comparisons: dict[str, StepComparison] = {}
    differing: set[str | None] = set()
    for left, right in matched:
        sides = _outcome_of(base, left), _outcome_of(other, right)
        outcome = _compare(sides, level_of, unstable, has_same_versions=has_same_versions)
        names = _id(left), _id(right)
        step = names[1] or names[0] or ""
        on_path = not any(failing) or names[0] in failing[0] or names[1] in failing[1]
        has_same_config = left is not None and right is not None and _has_same_config(left, right)
        divergence = _divergence(sides, outcome, frozenset(differing), has_same_config=has_same_config)
        if outcome.verdict == "differs" or divergence == "later":
            differing.update(names)
        comparisons[step] = StepComparison(
            step, *sides, outcome, divergence, on_path=on_path, has_same_config=has_same_config
        )
    return tuple(comparisons.values())


def match_steps(
    base: Sequence[StepState], other: Sequence[StepState]
) -> list[tuple[StepState | None, StepState | None]]:
    """Return the pairs of steps with the same id, or else with the same driver and configuration."""
    before = {step.id: step for step in base}
    ids = {step.id for step in other}
    gone = [step for step in base if step.id not in ids]
    pairs: list[tuple[StepState | None, StepState | None]] = []
    for step in other:
        partner = before.get(step.id)
        if partner is None and step.config:
            partner = next((left for left in gone if _has_same_config(left, step)), None)
            gone = [left for left in gone if left is not partner]
        pairs.append((partner, step))
    order = {step.id: position for position, step in enumerate(base)}
    for step in gone:  # before the steps that came after it
        later = (at for at, (left, _) in enumerate(pairs) if left and order[left.id] > order[step.id])
        pairs.insert(next(later, len(pairs)), (step, None))
    return pairs


def first_divergences(steps: Iterable[StepComparison]) -> tuple[StepComparison, ...]:
    """Return the first divergences that can lead to the failure; possible ones only if none is certain."""
    on_path = [step for step in steps if step.on_path]
    certain = tuple(step for step in on_path if step.divergence == "first")
    return certain or tuple(step for step in on_path if step.divergence == "possible")


def _compare(
    sides: tuple[StepOutcome | None, StepOutcome | None],
    level_of: LevelLookup,
    unstable: Callable[[str], bool],
    *,
    has_same_versions: bool,
) -> OutcomeComparison:
    left, right = sides
    if left is None or right is None:
        return OutcomeComparison("differs", changes=(f"only in {'A' if right is None else 'B'}",))
    level: OutputLevel | None = None
    is_unstable = unstable(right.step.id)
    has_frames = not (left.step.is_writer and right.step.is_writer)
    is_in_both = left.ending == right.ending == "succeeded" and has_frames
    is_known_same = bool(left.fingerprint) and left.fingerprint == right.fingerprint
    if is_in_both and not is_known_same and not is_unstable:
        level = level_of(left.step.id, right.step.id)
    is_stable = is_order_stable(left.step, right.step, has_same_versions=has_same_versions)
    return compare_outcomes(left, right, level, is_stable=is_stable, is_unstable=is_unstable)


def _divergence(
    sides: tuple[StepOutcome | None, StepOutcome | None],
    outcome: OutcomeComparison,
    differing: frozenset[str | None],
    *,
    has_same_config: bool,
) -> Divergence:
    left, right = sides
    if outcome.verdict == "same":
        return "none"
    if _has_other_input(left, right, differing):
        return "later"
    if left is not None and right is not None and "did not run" in (left.ending, right.ending):
        return "later"  # the run ended before it, or it was not selected
    if outcome.verdict == "differs":
        return "first"
    is_source = right is not None and right.step.is_source
    return "possible" if is_source or not has_same_config else "none"


def _has_other_input(
    left: StepOutcome | None,
    right: StepOutcome | None,
    differing: frozenset[str | None],
) -> bool:
    """Return True if an input of a step differs, or a step before it."""
    if left is None or right is None:
        side = left or right
        return side is not None and bool(differing.intersection(_producers(side.step)))
    inputs = {entry.name: entry for entry in left.step.inputs}
    for entry in right.step.inputs:
        before = inputs.get(entry.name)
        if before is not None and _is_same_input(before, entry):
            continue
        if entry.from_step in differing or (before is not None and before.from_step in differing):
            return True
    bound = {entry.from_step for side in (left, right) for entry in side.step.inputs}
    others = (need for side in (left, right) for need in side.step.needs if need not in bound)
    return bool(differing.intersection(others))


def _is_same_input(left: InputState, right: InputState) -> bool:
    return bool(left.fingerprint) and left.fingerprint == right.fingerprint


def _producers(step: StepState) -> set[str | None]:
    return {*step.needs, *(entry.from_step for entry in step.inputs)}


def _path_to_failure(run: Run) -> frozenset[str]:
    """Return the steps that failed and those that they need; empty if none failed."""
    steps = {step.id: step for step in run.steps}
    front = [step.id for step in run.steps if step.status in ("failed", "interrupted", "running")]
    reached: set[str] = set()
    while front:
        step_id = front.pop()
        if step_id not in reached and step_id in steps:
            reached.add(step_id)
            front += [producer for producer in _producers(steps[step_id]) if producer is not None]
    return frozenset(reached)


def _outcome_of(run: Run, step: StepState | None) -> StepOutcome | None:
    return None if step is None else step_outcome(run, step)


def _id(step: StepState | None) -> str | None:
    return None if step is None else step.id


def _has_same_config(left: StepState, right: StepState) -> bool:
    return left.driver == right.driver and left.config == right.config

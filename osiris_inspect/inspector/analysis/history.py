"""The runs in which the output or the failure of a step changed, and what differs since the last success."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from osiris_inspect.inspector.analysis.diff import diff_runs
from osiris_inspect.inspector.reader.counts.earlier_runs import last_successful_run
from osiris_inspect.inspector.reader.loader import load
from osiris_inspect.inspector.run.comparison.differences import has_same_versions, step_differences
from osiris_inspect.inspector.run.comparison.divergence import StepComparison
from osiris_inspect.inspector.run.comparison.run_diff import RunDiff
from osiris_inspect.inspector.run.comparison.step_outcome import (
    compare_outcomes,
    is_order_stable,
    step_outcome,
)
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model.errors import RunNotReadable

UNCHANGED = "= all"
"""Text for a run that does not diverge from the last success."""


@dataclass(frozen=True, slots=True)
class StepChange:
    """A run in which the outcome of a step changed.

    Attributes:
        changes: how the outcome differs from the run before, in words; empty for the first run.
        differences: names of the recorded differences of the step.
        same_runs: number of runs that followed with the same outcome.
    """

    run: Run
    step: StepState
    changes: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    same_runs: int = 0


def step_history(runs: Iterable[Run], step_id: str) -> Iterator[StepChange]:
    """Yield the first of the runs that has a step, and each in which its outcome changed; ``runs`` are oldest first."""
    last: StepChange | None = None
    before: tuple[Run, StepState] | None = None
    for run in runs:
        step = run.step(step_id)
        if step is None or run.status == "running":
            continue
        change = StepChange(run, step) if before is None else _change(before, (run, step))
        before = run, step
        if change is None and last is not None:
            last = StepChange(last.run, last.step, last.changes, last.differences, last.same_runs + 1)
            continue
        if last is not None:
            yield last
        last = change
    if last is not None:
        yield last


def since_green(path: Path, *, now: float | None = None, cache: Path | None = None) -> str | None:
    """Return where a run diverges from the last success of its pipeline before it; None if there is none.

    Raises:
        RunNotReadable: the run cannot be read.
    """
    run = load(path, now=now, cache=cache)
    green = last_successful_run(run)
    if green is None:
        return None
    try:
        return divergence_words(diff_runs(load(green, now=now, cache=cache), run))
    except RunNotReadable:  # the other run was removed meanwhile
        return None


def divergence_words(diff: RunDiff) -> str:
    """Return the first divergence in a few words: ``b: query``, ``a: rows 2,000 → 0``, or ``UNCHANGED``."""
    if not diff.first:
        return UNCHANGED if not diff.differs else diff.other.status
    step = diff.first[0]
    own = next((entry.difference for entry in diff.ranked if entry.position == "first divergence"), None)
    if own is not None and own.kind != "data":
        what = own.key if own.kind in ("configuration", "setting") and own.key else own.kind
    elif step.base is not None and step.other is not None and step.base.ending != step.other.ending:
        what = step.other.step.status
    else:
        what = next(iter(step.outcome.changes), "output")
    return f"{step.step}: {what}"


def _change(before: tuple[Run, StepState], after: tuple[Run, StepState]) -> StepChange | None:
    """Return how the outcome of a step changed from one run to another; None if it did not."""
    (base, left), (other, right) = before, after
    sides = step_outcome(base, left), step_outcome(other, right)
    is_stable = is_order_stable(left, right, has_same_versions=has_same_versions(base, other))
    outcome = compare_outcomes(*sides, is_stable=is_stable)
    if outcome.verdict == "same":
        return None
    pair = StepComparison(
        right.id, *sides, outcome, "later", on_path=True, has_same_config=left.config == right.config
    )
    names = [
        replace(each, step=None).name
        for each in step_differences(pair, base, other)
        if each.kind != "storage"
    ]
    return StepChange(other, right, outcome.changes, tuple(dict.fromkeys(names)))

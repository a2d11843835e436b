"""Compares two runs: first divergence, ranked differences, and the number of differences that explain nothing."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Final

from osiris_inspect.inspector.files.run_files import RunFiles, parse_json
from osiris_inspect.inspector.reader.counts.frame_facts import read_frame_facts
from osiris_inspect.inspector.reader.counts.run_inputs import read_run_inputs
from osiris_inspect.inspector.run.comparison.difference_ranking import Position, rank
from osiris_inspect.inspector.run.comparison.differences import (
    ABSENT,
    Difference,
    data_difference,
    has_same_versions,
    run_differences,
    step_differences,
)
from osiris_inspect.inspector.run.comparison.divergence import (
    LevelLookup,
    StepComparison,
    compare_steps,
    first_divergences,
)
from osiris_inspect.inspector.run.comparison.frame_changes import FrameComparer
from osiris_inspect.inspector.run.comparison.run_diff import (
    IN_STORAGE,
    IN_SURROUNDINGS,
    NOT_NEEDED,
    SAME_OUTPUT,
    RunDiff,
    ended_well,
    failure_of,
)
from osiris_inspect.inspector.run.lineage import build_lineage
from osiris_inspect.inspector.run.run import Run, StepFailure
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.run_types import OutputLevel

_RELATED_VARIABLES: Final = 3
"""Variables that only one run has and the error does not name, listed one by one."""


def diff_runs(
    base: Run,
    other: Run,
    *,
    frames: FrameComparer | None = None,
    ignore: Sequence[str] = (),
    unstable: Sequence[str] = (),
    step: str | None = None,
) -> RunDiff:
    """Return the differences of two runs, or with ``step`` of one step and those that it needs.

    ``frames`` compares frames on disk; None to compare what the logs record. ``ignore`` are names of differences to leave
    out and ``unstable`` ids of steps that return other values each time, both with wildcards.
    """
    is_swapped = ended_well(other) and not ended_well(base)
    if is_swapped:
        base, other = other, base
    if step is not None:
        base, other = (_up_to(run, step) for run in (base, other))
    base, other = (run if run.frames else replace(run, frames=read_frame_facts(run)) for run in (base, other))
    steps = compare_steps(
        base,
        other,
        level_of=_level_lookup(base, other, frames),
        unstable=lambda step: any(fnmatchcase(step, pattern) for pattern in unstable),
        has_same_versions=has_same_versions(base, other),
    )
    first = first_divergences(steps)
    placed, unrelated = _place(
        base, other, steps, first, lambda name: any(fnmatchcase(name, p) for p in ignore)
    )
    failure = failure_of(other) or failure_of(base)
    error = f"{failure.type or ''}: {failure.message}" if failure else ""
    return RunDiff(
        base,
        other,
        steps,
        first,
        rank(placed, error, (failure.traceback or "") if failure else "")
        if first or _has_failed(other)
        else (),
        is_swapped,
        all(step.divergence == "first" for step in first),
        unrelated if first or _has_failed(other) else {**unrelated, **_count_run(placed)},
        tuple(_notes(base, other, steps)),
        frames.changes if frames is not None else {},
    )


def _level_lookup(base: Run, other: Run, frames: FrameComparer | None) -> LevelLookup:
    def level(base_step: str, other_step: str) -> OutputLevel | None:
        return frames.level(base, base_step, other, other_step) if frames is not None else None

    return level


def _up_to(run: Run, step: str) -> Run:
    """Return a run with one step and those that it needs, directly or not."""
    needed = {step, *build_lineage(run).upstream(step)}
    return replace(run, steps=tuple(state for state in run.steps if state.id in needed))


def _count_run(placed: Sequence[tuple[Difference, Position]]) -> dict[str, int]:
    return {IN_SURROUNDINGS: len(placed)} if placed else {}


def _place(
    base: Run,
    other: Run,
    steps: Sequence[StepComparison],
    first: Sequence[StepComparison],
    is_ignored: Callable[[str], bool],
) -> tuple[list[tuple[Difference, Position]], dict[str, int]]:
    """Return the differences that can explain the divergence, with their positions, and the number of the others."""
    placed: list[tuple[Difference, Position]] = []
    unrelated: Counter[str] = Counter()
    servers = _servers(base), _servers(other)
    for pair in steps:
        found = [each for each in step_differences(pair, base, other, servers) if not is_ignored(each.name)]
        stored = [each for each in found if each.kind == "storage"]
        found = [each for each in found if each.kind != "storage"]
        unrelated[IN_STORAGE] += len(stored)
        if not pair.on_path:
            unrelated[NOT_NEEDED] += len(found)
        elif pair.outcome.verdict == "same":
            unrelated[SAME_OUTPUT] += len(found)
        elif pair in first:
            placed += [(each, "first divergence") for each in _of_first(pair, found)]
        else:
            placed += [(each, "path") for each in found]
    for each in run_differences(base, other, (_packages(base), _packages(other))):
        if is_ignored(each.name):
            continue
        if each.kind == "storage":
            unrelated[IN_STORAGE] += 1
        else:
            placed.append((each, "run"))
    return _joined_variables(placed, failure_of(other) or failure_of(base)), {
        where: count for where, count in unrelated.items() if count
    }


def _of_first(pair: StepComparison, recorded: list[Difference]) -> Iterator[Difference]:
    """Yield the differences of a first divergence; the output of a source is one, because its data may have changed."""
    is_in_both = pair.base is not None and pair.other is not None
    is_source = pair.other is not None and not pair.other.step.inputs and not pair.other.step.needs
    has_output = is_in_both and pair.other is not None and pair.other.ending == "succeeded"
    yield from (replace(each, words=(*each.words, *pair.outcome.columns)) for each in recorded)
    if is_in_both and is_source and has_output:
        yield data_difference(pair)


def _joined_variables(
    placed: list[tuple[Difference, Position]], failure: StepFailure | None
) -> list[tuple[Difference, Position]]:
    """Return the differences with variables that the error does not name as one, if there are many."""
    text = failure.message if failure else ""
    others = [each for each, _ in placed if each.kind == "variable" and each.key not in text]
    if len(others) <= _RELATED_VARIABLES:
        return placed
    only_base, only_other = (
        ", ".join(each.key for each in others if getattr(each, side) == "set") or ABSENT
        for side in ("base", "other")
    )
    joined = Difference("variable", f"({len(others)} set in one run)", only_base, only_other)
    return [*(entry for entry in placed if entry[0] not in others), (joined, "run")]


def _servers(run: Run) -> Mapping[str, Mapping[str, str]]:
    return read_run_inputs(RunFiles(run.path), (), (step.id for step in run.steps)).servers


def _packages(run: Run) -> Mapping[str, str]:
    """Return the versions of the packages of the worker; empty if they are not recorded."""
    disk = RunFiles(run.path)
    document = disk.read_document(layout.PACKAGES, parse_json) if disk.exists(layout.PACKAGES) else None
    return document if isinstance(document, Mapping) else {}


def _has_failed(run: Run) -> bool:
    return run.status not in ("success", "running")


def _notes(base: Run, other: Run, steps: Sequence[StepComparison]) -> Iterator[str]:
    if base.pipeline and other.pipeline and base.pipeline != other.pipeline:
        yield f"different pipelines: {base.pipeline} and {other.pipeline}"
    if any(step.outcome.by_rows_only for step in steps):
        yield "by rows only: at least one run records no fingerprints of its frames"
    rounded = [step.step for step in steps if step.outcome.level == "same but for rounding"]
    if rounded:
        yield f"the same but for rounding (at most 4 units in the last place): {', '.join(rounded)}"

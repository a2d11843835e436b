"""Frames of earlier runs for ``run``: ``--inputs-from`` and ``--reuse``."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from osiris_inspect.cli.pipeline.execution.execute import EarlierResults
from osiris_inspect.cli.support.paths import resolve_path
from osiris_inspect.model.errors import EarlierRunError, InputsGone, RunNotReadable, SettingsError

if TYPE_CHECKING:
    from osiris_inspect.model.run_types import RunOriginKind
    from osiris_inspect.runtime.connections.connections import Connections
    from osiris_inspect.runtime.pipeline.compiler import Compiled
    from osiris_inspect.runtime.planning.selection import Selection
    from osiris_inspect.runtime.replay.earlier.earlier_run import PastRun
    from osiris_inspect.runtime.replay.reuse_plan import CurrentPipeline, PlanEntry

_MAX_RUNS: Final = 20
"""Newest runs of a pipeline that ``--reuse`` looks at."""


class PipelinePart(NamedTuple):
    """The selected steps of a pipeline, with all that an earlier run is compared with."""

    compiled: "Compiled"
    selection: "Selection"
    connections: "Connections"
    base: Path


def earlier_results(
    inputs_from: Path | None, logs: Path, part: PipelinePart
) -> "tuple[Selection, EarlierResults | None]":
    """Return the selection without the steps whose results an earlier run has, and these results.

    The earlier run is ``inputs_from``, or else the one under ``logs`` that has most of them.

    Raises:
        SettingsError: ``inputs_from`` is set, and every step is selected.
        RunNotReadable, NotOurs, InputsGone: see ``_inputs_from_run``.
    """
    if inputs_from is None:
        return _reused_results(logs, part) or (part.selection, None)
    if not part.selection.producers:
        raise SettingsError(
            "--inputs-from takes frames of steps that are not selected; it needs --only, --exclude or --from"
        )
    return _inputs_from_run(resolve_path(inputs_from), part)


def _inputs_from_run(path: Path, part: PipelinePart) -> "tuple[Selection, EarlierResults]":
    """Return the selection with the frames of a run in place of the steps that produce them, and these frames.

    Steps that are selected run; the others run only if their frame is not that of the pipeline as it is now, or is gone.

    Raises:
        RunNotReadable, NotOurs: the run cannot be used.
        InputsGone: it does not have the frame of a step that is excluded.
    """
    from osiris_inspect.runtime.replay.earlier.earlier_run import read_earlier_run
    from osiris_inspect.runtime.replay.reuse_plan import PlanOptions, plan_steps

    earlier = read_earlier_run(path)
    producers = part.selection.producers
    forced = {step: reason for step, reason in part.selection.running.items() if step not in producers}
    options = PlanOptions(forced, is_resume=False)
    entries = plan_steps(earlier, _current(part, earlier), options)
    for entry in entries:
        excluded = part.selection.excluded.get(entry.step)
        if excluded is not None and entry.action == "run":
            raise InputsGone(
                f"{excluded} leaves out step {entry.step!r}, and its frame cannot be taken from {earlier.name}: {entry.reason}",
                fix="let the step run",
            )
    return _with_entries(part.selection, entries, earlier, "selection")


def _reused_results(logs: Path, part: PipelinePart) -> "tuple[Selection, EarlierResults] | None":
    """Return the selection with results of the run that leaves fewest steps to run; None if there is no such run."""
    from osiris_inspect.runtime.replay.earlier.earlier_frames import newest_runs
    from osiris_inspect.runtime.replay.earlier.earlier_run import read_earlier_run
    from osiris_inspect.runtime.replay.reuse_plan import PlanOptions, plan_steps
    from osiris_inspect.runtime.replay.source_files import staleness_of

    best: tuple[int, PastRun, tuple[PlanEntry, ...]] | None = None
    looked_at = 0
    for folder in newest_runs(logs):
        try:
            earlier = read_earlier_run(folder)
        except (RunNotReadable, EarlierRunError):  # it runs, was not made by this program, or is damaged
            continue
        if earlier.manifest.name != part.compiled.manifest.name:
            continue
        current = _current(part, earlier)
        current = replace(current, staleness=staleness_of(current, part.base))
        entries = plan_steps(earlier, current, PlanOptions(is_resume=False))
        running = sum(entry.action == "run" for entry in entries)
        if best is None or running < best[0]:
            best = running, earlier, entries
        looked_at += 1
        if looked_at >= _MAX_RUNS:
            break
    return None if best is None else _with_entries(part.selection, best[2], best[1], "reuse")


def _current(part: PipelinePart, earlier: "PastRun") -> "CurrentPipeline":
    from osiris_inspect.runtime.pipeline.builtin_components import all_components
    from osiris_inspect.runtime.replay.current_pipeline import current_pipeline

    return current_pipeline(part.compiled, all_components(), part.connections, part.base, earlier)


def _with_entries(
    selection: "Selection", entries: "Sequence[PlanEntry]", earlier: "PastRun", kind: "RunOriginKind"
) -> "tuple[Selection, EarlierResults]":
    from osiris_inspect.runtime.planning.reused_step import RunOrigin
    from osiris_inspect.runtime.planning.selection import Selection
    from osiris_inspect.runtime.replay.reuse_plan import results_of

    running, reused = {}, {}
    for entry in entries:
        reason = selection.running[entry.step]
        if entry.action != "run":
            reused[entry.step] = str(entry)
        elif entry.reason == reason:
            running[entry.step] = reason
        else:
            running[entry.step] = "; ".join(filter(None, (reason, entry.reason)))
    results, expected = results_of(entries)
    return (
        Selection(running, selection.left_out, selection.producers, reused),
        EarlierResults(RunOrigin(kind, earlier.name), results, expected),
    )

"""``resume``: continues a run that did not succeed."""

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from osiris_inspect.cli.pipeline.execution.cluster import ClusterChoice, check_cluster, recorded_store
from osiris_inspect.cli.pipeline.execution.execute import EarlierResults, execute, recorded_options
from osiris_inspect.cli.pipeline.execution.run_result import print_findings, print_result
from osiris_inspect.cli.pipeline.run_options import (
    ConnectionsOption,
    EnvFile,
    InsecureCluster,
    KeepShared,
    Machines,
    Params,
    Quiet,
    RunTarget,
    Scheduler,
    SchedulerTimeout,
    Shared,
)
from osiris_inspect.cli.replay.plan_lines import plan_lines
from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.completion import complete_step
from osiris_inspect.cli.support.paths import resolve_path
from osiris_inspect.cli.support.typer_adapter import RunPath
from osiris_inspect.model.errors import NothingToResume, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from osiris_inspect.cli.replay.earlier_options import EarlierOptions
    from osiris_inspect.model.manifest import Manifest
    from osiris_inspect.runtime.cluster.shared_runs import SharedFrames
    from osiris_inspect.runtime.proxy.proxy import RunResult
    from osiris_inspect.runtime.replay.earlier.earlier_run import PastRun
    from osiris_inspect.runtime.replay.reuse_plan import PlanEntry, PlanOptions

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Print the plan, and run nothing.")]
FromOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        help="Run this step and those after it again.",
        metavar="STEP",
        show_default=False,
        autocompletion=complete_step,
    ),
]
RerunOption = Annotated[
    list[str],
    typer.Option(
        help="Run this step again, also a writer that may have written.",
        metavar="STEP",
        autocompletion=complete_step,
    ),
]
AcceptOption = Annotated[
    list[str],
    typer.Option(
        help="Take a writer that may have written as done.", metavar="STEP", autocompletion=complete_step
    ),
]
OnOption = Annotated[
    RunTarget | None,
    typer.Option(
        "--on", help="Continue there; default: where the run was, or sandbox after dask.", show_default=False
    ),
]
DespiteCode = Annotated[
    bool, typer.Option("--despite-code", help="Reuse frames although the code of their driver differs.")
]
AllowMixed = Annotated[
    bool, typer.Option("--allow-mixed", help="Continue if a source has other rows than in the earlier run.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("resume")(resume_command)


def resume_command(
    run: RunPath,
    *,
    dry_run: DryRunOption = False,
    from_: FromOption = None,
    rerun: RerunOption = [],
    accept: AcceptOption = [],
    despite_code: DespiteCode = False,
    allow_mixed: AllowMixed = False,
    on: OnOption = None,
    scheduler: Scheduler = None,
    machines: Machines = None,
    shared: Shared = None,
    scheduler_timeout: SchedulerTimeout = 60.0,
    keep_shared: KeepShared = False,
    insecure_cluster: InsecureCluster = False,
    param: Params = [],
    connections: ConnectionsOption = None,
    env_file: EnvFile = None,
    quiet: Quiet = False,
) -> None:
    """Continue a run that did not succeed, after printing its plan.

    The plan has a reason for each step. Frames of steps that are as before are taken over into a new run directory beside the first one, which stays as it is.
    A writer that succeeded never runs twice. One that may have written stops the command, unless --rerun or --accept names
    it. Parameters, settings, target and --shared are those of the first run. Exit codes: 0 every step succeeded or there is nothing to resume, 1 a step failed,
    2 a decision or a value is missing, 3 no such run, or its frames are gone.
    """
    from osiris_inspect.cli.replay.earlier_options import options_of_run
    from osiris_inspect.cli.replay.foreign import check_own
    from osiris_inspect.runtime.replay.earlier.earlier_run import RunLock, read_earlier_run
    from osiris_inspect.runtime.replay.resume import (
        check_decided,
        check_not_continued,
        check_not_replay,
        check_unfinished,
    )
    from osiris_inspect.runtime.replay.reuse_plan import PlanOptions

    path = resolve_path(run)
    check_own(path, "resume")
    earlier = read_earlier_run(path)
    check_not_replay(earlier)
    with RunLock(path), _frames_on_store(earlier) as frames:
        if not (from_ or rerun):
            try:
                check_unfinished(earlier)
            except NothingToResume as nothing:
                streams.write_message(str(nothing))
                return
        check_not_continued(earlier)
        options = options_of_run(earlier, param, connections, env_file, quiet=quiet)
        if on is not None:
            cluster = ClusterChoice(
                scheduler, machines, shared, scheduler_timeout, keep_shared, insecure_cluster
            )
            options = _continued_on(options, on, cluster)
        choices = PlanOptions(
            _forced(options.compiled.manifest, from_), frozenset(rerun), frozenset(accept), despite_code
        )
        entries = plan_of(earlier, options, choices, frames)
        heading = (
            f"{options.compiled.manifest.name} {'would continue' if dry_run else 'continues'} {earlier.name}"
        )
        lines = [*plan_lines(options.compiled.manifest, entries, heading), *options.notes]
        if frames is not None and frames.error:
            lines.append(f"frames that are only on the shared store were not read: {frames.error}")
        text = "".join(f"{line}\n" for line in lines)
        if dry_run:
            streams.write_stdout(text)
        else:
            streams.write_stderr(text)
        check_decided(entries)
        if dry_run:
            return
        if frames is not None:
            _fetch(frames, entries)
        outcome = _run(earlier, options, entries, path.parent, allow_mixed=allow_mixed)
    if not quiet or outcome.status == "success":
        print_findings(outcome)
    code = print_result(outcome)
    if code:
        raise typer.Exit(code)


def plan_of(
    earlier: "PastRun",
    options: "EarlierOptions",
    choices: "PlanOptions",
    frames: "SharedFrames | None" = None,
) -> "tuple[PlanEntry, ...]":
    """Return the entries of the steps of a run that continues another, with ``frames`` of its shared store."""
    from osiris_inspect.runtime.pipeline.builtin_components import all_components
    from osiris_inspect.runtime.replay.current_pipeline import current_pipeline
    from osiris_inspect.runtime.replay.reuse_plan import plan_steps

    current = current_pipeline(options.compiled, all_components(), options.connections, options.base, earlier)
    if frames is not None:
        find, find_on_store = current.find_frame, frames.find
        current = replace(
            current,
            find_frame=lambda step, fingerprint: find(step, fingerprint) or find_on_store(step, fingerprint),
        )
    return plan_steps(earlier, current, choices)


@contextmanager
def _frames_on_store(earlier: "PastRun") -> "Iterator[SharedFrames | None]":
    """Yield the frames on the shared store of a run on a cluster; None for another run."""
    from osiris_inspect.runtime.cluster.shared_runs import SharedFrames
    from osiris_inspect.runtime.transport.temp_directory import LockedTempDir

    url = earlier.options.get("shared")
    if earlier.start.get("mode") != "dask" or not isinstance(url, str):
        yield None
        return
    with LockedTempDir() as folder:
        yield SharedFrames(url, earlier.name, folder.path)


def _fetch(frames: "SharedFrames", entries: "Sequence[PlanEntry]") -> None:
    """Download the frames that the plan takes from the shared store."""
    for entry in entries:
        if entry.reused is not None and entry.reused.run_dir == frames.folder:
            frames.fetch(entry.step)


def _continued_on(options: "EarlierOptions", on: RunTarget, cluster: ClusterChoice) -> "EarlierOptions":
    """Return the options for another target; a cluster has the scheduler and the store of the first run."""
    recorded = {key: text for key, text in options.how.recorded.items() if key not in ("scheduler", "shared")}
    if on is not RunTarget.DASK:
        return replace(options, target=on, how=replace(options.how, recorded=recorded))
    before = options.how.recorded
    shared = cluster.shared or before.get("shared")
    scheduler = cluster.scheduler or (before.get("scheduler") if cluster.machines is None else None)
    cluster = replace(cluster, shared=shared, scheduler=scheduler)
    check_cluster(cluster)
    recorded |= recorded_options({"shared": recorded_store(shared), "scheduler": scheduler})
    return replace(options, target=on, how=replace(options.how, recorded=recorded, cluster=cluster))


def _run(
    earlier: "PastRun",
    options: "EarlierOptions",
    entries: "Sequence[PlanEntry]",
    logs: "Path",
    *,
    allow_mixed: bool,
) -> "RunResult":
    from osiris_inspect.runtime.planning.reused_step import RunOrigin
    from osiris_inspect.runtime.replay.reuse_plan import results_of

    reused, expected = results_of(entries)
    results = EarlierResults(RunOrigin("resume", earlier.name), reused, expected, allow_mixed)
    how = replace(options.how, earlier=results)
    return execute(options.compiled, options.target, logs, options.base, how)


def _forced(manifest: "Manifest", start: str | None) -> dict[str, str]:
    """Return the steps that run because of ``--from``."""
    from osiris_inspect.base.near_names import did_you_mean

    if start is None:
        return {}
    names = [step.id for step in manifest.steps]
    if start not in names:
        raise SettingsError(
            f"--from: no step is named {start!r}{did_you_mean(start, names)}; the steps are {', '.join(names[:20])}"
        )
    return dict.fromkeys((start, *manifest.downstream(start)), f"--from {start}")

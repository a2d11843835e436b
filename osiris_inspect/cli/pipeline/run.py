"""``compile`` and ``run``."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from osiris_inspect.cli.pipeline.execution.cluster import ClusterChoice, check_cluster, recorded_store
from osiris_inspect.cli.pipeline.execution.earlier_inputs import PipelinePart, earlier_results
from osiris_inspect.cli.pipeline.execution.execute import (
    RunOptions,
    execute,
    recorded_options,
    resource_limits,
    run_access,
)
from osiris_inspect.cli.pipeline.execution.pipeline_source import (
    base_folder,
    check_utf8,
    compile_file,
    connections_of,
)
from osiris_inspect.cli.pipeline.execution.run_result import (
    open_viewer,
    print_findings,
    print_result,
    run_on_failure,
)
from osiris_inspect.cli.pipeline.run_options import (
    AllowEdited,
    ArtifactsOption,
    BaseDirOption,
    CaptureLimit,
    CaptureOption,
    ConnectionsOption,
    DryRun,
    EnvFile,
    Exclude,
    FailFast,
    Fetched,
    ForceSpill,
    From,
    HangTimeout,
    InputsFrom,
    InsecureCluster,
    InstallDeps,
    IsolationLevel,
    IsolationOption,
    Jobs,
    KeepOption,
    KeepShared,
    LastCompile,
    Logs,
    Machines,
    MaybePipeline,
    MemoryLimit,
    OnFailure,
    Only,
    OpenViewer,
    Params,
    Pipeline,
    Profile,
    Quiet,
    Reuse,
    RunTarget,
    Scheduler,
    SchedulerTimeout,
    Shared,
    SpillThreshold,
    StepTimeout,
    TargetOption,
    To,
)
from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.old_frames import remove_old_frames
from osiris_inspect.cli.support.user_config import keep_limits
from osiris_inspect.model.errors import SettingsError

if TYPE_CHECKING:
    from osiris_inspect.runtime.pipeline.compiler import Compiled
    from osiris_inspect.runtime.planning.schedule import Schedule


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("compile")(compile_command)
    app.command("run")(run_command)


def compile_command(
    pipeline: Pipeline, *, logs: Logs = Path("logs"), param: Params = [], profile: Profile = None
) -> None:
    """Compile a pipeline and write its manifest to LOGS/compile_<ms>/compiled.

    If the pipeline has errors, all of them are printed with their lines, nothing is written, and the exit code is 1.
    """
    from osiris_inspect.runtime.proxy import run_directory

    compiled = compile_file(pipeline, param, profile)
    try:
        folder = run_directory.create_compile_dir(
            _writable(logs), int(time.time() * 1000), compiled, run_access()
        )
    except OSError as error:
        raise _unwritable(logs, error) from None
    streams.write_stdout(f"{folder}\n")


def run_command(
    pipeline: MaybePipeline = None,
    *,
    last_compile: LastCompile = False,
    allow_edited: AllowEdited = False,
    on: TargetOption = RunTarget.LOCAL,
    isolation: IsolationOption = IsolationLevel.AUTO,
    memory_limit: MemoryLimit = None,
    artifacts: ArtifactsOption = Fetched.SMALL,
    scheduler: Scheduler = None,
    machines: Machines = None,
    shared: Shared = None,
    scheduler_timeout: SchedulerTimeout = 60.0,
    keep_shared: KeepShared = False,
    insecure_cluster: InsecureCluster = False,
    install_deps: InstallDeps = False,
    logs: Logs = Path("logs"),
    base: BaseDirOption = None,
    param: Params = [],
    profile: Profile = None,
    connections: ConnectionsOption = None,
    env_file: EnvFile = None,
    force_spill: ForceSpill = None,
    spill_threshold: SpillThreshold = None,
    step_timeout: StepTimeout = None,
    hang_timeout: HangTimeout = None,
    capture: CaptureOption = None,
    capture_limit: CaptureLimit = None,
    keep: KeepOption = None,
    fail_fast: FailFast = False,
    jobs: Jobs = "1",
    only: Only = [],
    exclude: Exclude = [],
    from_: From = [],
    to: To = [],
    inputs_from: InputsFrom = None,
    reuse: Reuse = False,
    dry_run: DryRun = False,
    on_failure: OnFailure = None,
    open_: OpenViewer = False,
    quiet: Quiet = False,
) -> None:
    """Run a pipeline and print its run directory.

    Relative paths of the pipeline, osiris_connections.yaml and .env are in the folder of the pipeline file; LOGS is
    in the working directory. Steps that depend on a failed step are skipped and name it; independent branches continue. Step outputs are always
    downloaded. Exit codes: 0 every step succeeded, 1 a step failed; quitting the viewer of --open does not change them.
    """
    from osiris_inspect.cli.pipeline.plan_text import plan_text
    from osiris_inspect.runtime.planning.jobs import parse_jobs
    from osiris_inspect.runtime.planning.selection import Selectors, restrict, select_steps

    flags = {
        "force_spill": None if force_spill is None else str(int(force_spill)),
        "spill_threshold": spill_threshold,
        "step_timeout_s": step_timeout,
        "hang_timeout_s": hang_timeout,
        "capture": capture,
        "capture_limit": capture_limit,
        "keep": keep,
    }
    compiled = (
        _compile_or_fail(pipeline, logs, param, profile)
        if not last_compile
        else _latest_compiled(pipeline, logs, param, profile, allow_edited=allow_edited)
    )
    if allow_edited and not last_compile:
        raise SettingsError("--allow-edited applies to --last-compile only")
    selectors = Selectors(tuple(only), tuple(exclude), tuple(from_), tuple(to))
    selection = select_steps(compiled.manifest, selectors, has_frames=inputs_from is not None)
    whole, compiled = compiled, restrict(compiled, selectors, selection)
    earlier = None
    if inputs_from is not None or reuse:
        resolved = connections_of(compiled, base, connections, env_file)
        folder = base_folder(compiled, base, resolved).resolve()
        part = PipelinePart(compiled, selection, resolved, folder)
        selection, earlier = earlier_results(inputs_from, logs, part)
        compiled = restrict(whole, selectors, selection)
    cluster = ClusterChoice(scheduler, machines, shared, scheduler_timeout, keep_shared, insecure_cluster)
    if on is RunTarget.DASK:
        check_cluster(cluster)
    limits = resource_limits(memory_limit)
    count = parse_jobs(jobs, limits.memory_bytes if limits else None)
    if dry_run:
        schedule = _schedule_of(compiled, base, connections, env_file) if count > 1 else None
        streams.write_stdout(plan_text(whole.manifest, selection, schedule, count))
        return
    resolved = connections_of(compiled, base, connections, env_file)
    recorded = {
        "file": compiled.pipeline_file,
        "isolation": isolation.value,
        "artifacts": artifacts.value,
        "memory_limit": memory_limit,
        "install_deps": "yes" if install_deps else None,
        "jobs": jobs if jobs != "1" else None,
        "fail_fast": "yes" if fail_fast else None,
        "scheduler": scheduler if on is RunTarget.DASK else None,
        "shared": recorded_store(shared) if on is RunTarget.DASK else None,
        "base": base,
        "connections": connections,
        "env_file": env_file,
    }
    options = RunOptions(
        flags,
        fail_fast=fail_fast,
        quiet=quiet,
        connections=resolved,
        isolation=isolation,
        artifacts=artifacts,
        install=install_deps,
        memory=memory_limit,
        earlier=earlier,
        recorded=recorded_options(recorded),
        jobs=min(count, len(compiled.manifest.steps)),
        cluster=cluster,
    )
    frame_limits = keep_limits()
    outcome = execute(compiled, on, _writable(logs), base_folder(compiled, base, resolved), options)
    if not quiet or outcome.status == "success":
        print_findings(outcome)
    code = print_result(outcome)
    remove_old_frames(outcome.path, frame_limits, quiet=quiet)
    if on_failure is not None and outcome.status != "success":
        run_on_failure(on_failure, outcome)
    if open_:
        code = open_viewer(outcome) or code
    if code:
        raise typer.Exit(code)


def _schedule_of(
    compiled: "Compiled", base: Path | None, connections: Path | None, env_file: Path | None
) -> "Schedule":
    """Return the order of the steps with several workers."""
    from osiris_inspect.runtime.pipeline import builtin_components as built_in
    from osiris_inspect.runtime.planning.schedule import build_schedule

    resolved = connections_of(compiled, base, connections, env_file)
    folder = (base or compiled.folder).resolve()
    return build_schedule(
        compiled, built_in.all_components(), folder, resolved.by_step, resolved.max_parallel
    )


def _compile_or_fail(pipeline: Path | None, logs: Path, params: list[str], profile: str | None) -> "Compiled":
    if pipeline is None:
        raise SettingsError(
            f"no pipeline: name a file, or run the latest compiled pipeline of {logs} with --last-compile"
        )
    return compile_file(pipeline, params, profile)


def _latest_compiled(
    pipeline: Path | None, logs: Path, params: list[str], profile: str | None, *, allow_edited: bool
) -> "Compiled":
    from osiris_inspect.runtime.pipeline import compiled_pipeline as compiled

    if pipeline is not None or params or profile is not None:
        raise SettingsError(
            "--last-compile runs a compiled pipeline; omit the pipeline, --param and --profile"
        )
    return compiled.load_compiled(compiled.latest_compile_dir(logs), allow_edited=allow_edited)


def _writable(logs: Path) -> Path:
    check_utf8(logs, "--logs")
    try:
        logs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(logs, error) from None
    return logs.resolve() if not logs.is_absolute() and ".." in logs.parts else logs


def _unwritable(logs: Path, error: OSError) -> SettingsError:
    return SettingsError(
        f"cannot write to the logs folder {logs}: {error.strerror}; choose another with --logs"
    )

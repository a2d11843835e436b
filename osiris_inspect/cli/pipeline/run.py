"""``compile`` and ``run``."""

import os
import time
from collections.abc import Mapping
from contextlib import chdir
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from osiris_inspect.cli.pipeline.earlier_inputs import PipelinePart, inputs_from_run, reused_results
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
    InstallDeps,
    IsolationLevel,
    IsolationOption,
    Jobs,
    KeepOption,
    LastCompile,
    Logs,
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
    SpillThreshold,
    StepTimeout,
    TargetOption,
    To,
)
from osiris_inspect.cli.pipeline.run_result import open_viewer, print_findings, print_result, run_on_failure
from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.old_frames import remove_old_frames
from osiris_inspect.cli.support.paths import cache_dir, resolve_path
from osiris_inspect.cli.support.user_config import keep_limits
from osiris_inspect.model.errors import RunError, SettingsError

if TYPE_CHECKING:
    from osiris_inspect.runtime.connections.connections import Connections
    from osiris_inspect.runtime.files.run_access import RunAccess
    from osiris_inspect.runtime.pipeline.compiler import Compiled
    from osiris_inspect.runtime.planning.reused_step import ReusedStep, RunOrigin
    from osiris_inspect.runtime.planning.schedule import Schedule
    from osiris_inspect.runtime.planning.selection import Selection
    from osiris_inspect.runtime.proxy.proxy import RunResult
    from osiris_inspect.runtime.sandbox.isolation import ResourceLimits
    from osiris_inspect.runtime.settings import Settings
    from osiris_inspect.runtime.transport.transport import Transport


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
    selection = select_steps(compiled.manifest, selectors)
    whole, compiled = compiled, restrict(compiled, selectors, selection)
    earlier = None
    if inputs_from is not None or reuse:
        selection, earlier = _earlier_inputs(
            inputs_from,
            logs,
            PipelinePart(compiled, selection, *_surroundings(compiled, base, connections, env_file)),
        )
        compiled = restrict(whole, selectors, selection)
    limits = _resource_limits(memory_limit)
    count = parse_jobs(jobs, limits.memory_bytes if limits else None)
    if dry_run:
        schedule = _schedule_of(compiled, base, connections, env_file) if count > 1 else None
        streams.write_stdout(plan_text(whole.manifest, selection, schedule, count))
        return
    resolved = connections_of(compiled, base, connections, env_file)
    count = min(count, len(compiled.manifest.steps))
    how = RunOptions(flags, fail_fast=fail_fast, quiet=quiet, connections=resolved, jobs=count)
    recorded = {
        "file": compiled.pipeline_file,
        "isolation": isolation.value,
        "artifacts": artifacts.value,
        "memory_limit": memory_limit,
        "install_deps": "yes" if install_deps else None,
        "jobs": jobs if jobs != "1" else None,
        "fail_fast": "yes" if fail_fast else None,
        "base": base,
        "connections": connections,
        "env_file": env_file,
    }
    how = replace(how, isolation=isolation, artifacts=artifacts, install=install_deps, memory=memory_limit)
    how = replace(how, recorded=recorded_options(recorded), earlier=earlier)
    frame_limits = keep_limits()
    outcome = execute(compiled, on, _writable(logs), base_folder(compiled, base, resolved), how)
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


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Options of a run.

    Attributes:
        earlier: what the run uses of an earlier run.
        recorded: options of the command line by name, for the log.
        settings: the settings of the run; None if the environment and ``flags`` determine them.
    """

    flags: Mapping[str, str | None] = field(default_factory=dict)
    fail_fast: bool = False
    quiet: bool = False
    connections: "Connections | None" = None
    isolation: IsolationLevel = IsolationLevel.AUTO
    artifacts: Fetched = Fetched.SMALL
    install: bool = False
    memory: str | None = None
    earlier: "EarlierResults | None" = None
    recorded: Mapping[str, str] = field(default_factory=dict)
    settings: "Settings | None" = None
    jobs: int = 1


@dataclass(frozen=True, slots=True)
class EarlierResults:
    """Results and fingerprints of an earlier run that a run uses; see ``RunRequest``."""

    origin: "RunOrigin"
    reused: "Mapping[str, ReusedStep]"
    expected: Mapping[str, str] = field(default_factory=dict)
    allow_mixed: bool = False


def execute(
    compiled: "Compiled", target: RunTarget, logs: Path, base: Path, how: RunOptions | None = None
) -> "RunResult":
    """Run a compiled pipeline on the target, with progress on stderr.

    A local worker has ``base`` as its working directory, as in a sandbox.
    """
    from osiris_inspect.cli.pipeline.progress import Progress
    from osiris_inspect.runtime import settings
    from osiris_inspect.runtime.connections.connections import Connections
    from osiris_inspect.runtime.proxy.proxy import RunRequest, run

    how = how or RunOptions()
    _check_utf8(base.resolve(), "--base")
    spill_settings = how.settings or settings.read(os.environ, how.flags)
    variables = tuple(sorted(os.environ))
    transport = _transport(target, how)
    with Progress(streams.stderr(), quiet=how.quiet) as progress:
        key = os.environ.get("E2B_API_KEY")
        request = RunRequest(
            compiled,
            spill_settings,
            logs.absolute(),
            base.resolve(),
            time.time,
            variables,
            how.fail_fast,
            progress.on_event,
            connections=how.connections or Connections(),
            artifact_policy=how.artifacts.value,
            install_missing=how.install,
            secrets=(key,) if key else (),
            private=(cache_dir(),),
            access=run_access(),
            options={"on": target.value, **how.recorded},
            variable_digests=_variable_digests(how.connections),
            jobs=how.jobs,
        )
        if how.earlier is not None:
            request = replace(
                request,
                reused=how.earlier.reused,
                origin=how.earlier.origin,
                expected=how.earlier.expected,
                allow_mixed=how.earlier.allow_mixed,
            )
        try:
            with chdir(request.base if target is RunTarget.LOCAL else "."):
                outcome = run(request, transport)
            return replace(outcome, path=logs / outcome.path.name)
        except RunError as error:  # the run could not start
            text = str(error).replace(repr(str(request.logs)), repr(str(logs)))  # as on the command line
            raise SettingsError(text) from None


def _variable_digests(connections: "Connections | None") -> dict[str, Any]:
    """Return digests of the variables that the connections name, and of those that set parameters."""
    from osiris_inspect.runtime.pipeline.parameters import PREFIX
    from osiris_inspect.runtime.protocol.variable_digests import variable_digests

    named = dict(connections.variables) if connections is not None else {}
    parameters = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    return variable_digests({**parameters, **named}, os.environ)


def recorded_options(values: Mapping[str, str | Path | None]) -> dict[str, str]:
    """Return the options that are set as texts for the log; a path is absolute, for another working directory."""
    return {
        name: str(value.absolute()) if isinstance(value, Path) else value
        for name, value in values.items()
        if value is not None
    }


def run_access() -> "RunAccess":
    """Return who may read new runs, by the user's configuration."""
    from osiris_inspect.cli.support.user_config import is_group_shared
    from osiris_inspect.runtime.files.run_access import GROUP, PRIVATE

    return GROUP if is_group_shared() else PRIVATE


def _transport(target: RunTarget, how: RunOptions) -> "Transport":
    if how.memory is not None and target is not RunTarget.SANDBOX:
        raise SettingsError("--memory-limit limits a worker process; it needs --on sandbox")
    from osiris_inspect.runtime.transport.create_transport import create_transport

    is_free = target is RunTarget.LOCAL and streams.free_stderr_descriptor()
    limits = _resource_limits(how.memory, how.jobs)
    if how.jobs > 1 and target is RunTarget.E2B:
        streams.write_stderr("--jobs has no effect with --on e2b: the sandbox has one worker\n")
    return create_transport(target.value, os.environ, how.isolation.value, limits, redirect_stderr=is_free)


def _earlier_inputs(
    inputs_from: Path | None, logs: Path, part: PipelinePart
) -> "tuple[Selection, EarlierResults | None]":
    """Return the selection with what an earlier run has of it, and this."""
    if inputs_from is None:
        return reused_results(logs, part) or (part.selection, None)
    if not part.selection.left_out:
        raise SettingsError(
            "--inputs-from takes frames of steps that are not selected; it needs --only, --exclude or --from"
        )
    return inputs_from_run(resolve_path(inputs_from), part)


def _surroundings(
    compiled: "Compiled", base: Path | None, connections: Path | None, env_file: Path | None
) -> "tuple[Connections, Path]":
    resolved = connections_of(compiled, base, connections, env_file)
    return resolved, base_folder(compiled, base, resolved).resolve()


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


def _resource_limits(memory: str | None, workers: int = 1) -> "ResourceLimits | None":
    """Return the limits of each worker: its part of the memory of the run."""
    from osiris_inspect.runtime.sandbox.byte_size import parse_bytes
    from osiris_inspect.runtime.sandbox.isolation import MIN_MEMORY_BYTES, ResourceLimits
    from osiris_inspect.runtime.settings import MAX_INT64

    if memory is None:
        return None
    limit = parse_bytes(memory, "--memory-limit")
    if limit < MIN_MEMORY_BYTES:
        raise SettingsError(
            f"--memory-limit {memory} is less than a worker needs to start: {MIN_MEMORY_BYTES // 2**20} MiB"
        )
    if limit > MAX_INT64:
        raise SettingsError(f"--memory-limit {memory} is more than the maximum of {MAX_INT64} bytes")
    if limit // workers < MIN_MEMORY_BYTES:
        raise SettingsError(
            f"--memory-limit {memory} is less than {workers} workers need to start: "
            f"{workers * MIN_MEMORY_BYTES // 2**20} MiB; lower --jobs"
        )
    return ResourceLimits(memory_bytes=limit // workers)


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


def compile_file(pipeline: Path, params: list[str], profile: str | None) -> "Compiled":
    """Compile a pipeline file with the parameters of the command line and the environment."""
    from osiris_inspect.runtime.pipeline import builtin_components as built_in
    from osiris_inspect.runtime.pipeline.compiler import compile_pipeline
    from osiris_inspect.runtime.pipeline.parameters import CompileInputs

    inputs = CompileInputs(parse_params(params), os.environ, profile)
    return compile_pipeline(read_pipeline(pipeline), str(pipeline), built_in.all_components(), inputs)


def base_folder(compiled: "Compiled", base: Path | None, resolved: "Connections") -> Path:
    """Return the folder that relative paths of a pipeline start from.

    Raises:
        SettingsError: it does not exist, or a path exists only below the working directory.
    """
    from osiris_inspect.runtime.pipeline import builtin_components as built_in
    from osiris_inspect.runtime.pipeline import pipeline_files

    if base is not None:
        return base
    folder = compiled.folder
    if not folder.is_dir():
        raise SettingsError(
            f"the folder of the compiled pipeline does not exist: {folder}; name the folder of its files with --base DIR"
        )
    pipeline_files.check_start(compiled, built_in.all_components(), folder.resolve(), resolved.by_step)
    return folder


def connections_of(
    compiled: "Compiled", base: Path | None, named: Path | None, env_file: Path | None
) -> "Connections":
    """Return the resolved connections of the steps of a pipeline."""
    from osiris_inspect.runtime.connections import connections
    from osiris_inspect.runtime.pipeline import builtin_components as built_in

    folders = (compiled.folder,) if base is None else (base, compiled.folder)
    file = connections.open_connections(folders, os.environ, named, env_file)
    return connections.resolve_connections(compiled, built_in.all_components(), file)


def read_pipeline(pipeline: Path) -> str:
    """Return the text of a pipeline file whose name is UTF-8."""
    from osiris_inspect.runtime.pipeline import compiler

    _check_utf8(pipeline, "the pipeline")
    return compiler.read_pipeline(pipeline)


def parse_params(params: list[str]) -> dict[str, str]:
    """Parse the values of ``--param name=value``."""
    values = {}
    for text in params:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise SettingsError("--param takes NAME=VALUE; one has no name or no =")
        _check_utf8(text, "--param")
        values[name] = value
    return values


def _check_utf8(text: str | Path, name: str) -> None:
    """Reject bytes that are not UTF-8, because files of the run would contain them."""
    shown = str(text).encode(errors="replace").decode()
    if shown != str(text):
        raise SettingsError(f"{name} {shown!r} is not UTF-8; rename it")


def _writable(logs: Path) -> Path:
    _check_utf8(logs, "--logs")
    try:
        logs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(logs, error) from None
    return logs.resolve() if not logs.is_absolute() and ".." in logs.parts else logs


def _unwritable(logs: Path, error: OSError) -> SettingsError:
    return SettingsError(
        f"cannot write to the logs folder {logs}: {error.strerror}; choose another with --logs"
    )

"""Executes a compiled pipeline with the options of a command."""

import os
import time
from collections.abc import Mapping
from contextlib import chdir
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osiris_inspect.cli.pipeline.execution.pipeline_source import check_utf8
from osiris_inspect.cli.pipeline.run_options import Fetched, IsolationLevel, RunTarget
from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.paths import cache_dir
from osiris_inspect.model.errors import RunError, SettingsError

if TYPE_CHECKING:
    from osiris_inspect.cli.pipeline.execution.cluster import ClusterChoice
    from osiris_inspect.runtime.connections.connections import Connections
    from osiris_inspect.runtime.files.run_access import RunAccess
    from osiris_inspect.runtime.pipeline.compiler import Compiled
    from osiris_inspect.runtime.planning.reused_step import ReusedStep, RunOrigin
    from osiris_inspect.runtime.proxy.proxy import RunResult
    from osiris_inspect.runtime.sandbox.isolation import ResourceLimits
    from osiris_inspect.runtime.settings import Settings
    from osiris_inspect.runtime.transport.transport import Transport


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
    cluster: "ClusterChoice | None" = None


@dataclass(frozen=True, slots=True)
class EarlierResults:
    """Results and fingerprints of an earlier run that a run uses; see ``RunRequest``."""

    origin: "RunOrigin"
    reused: "Mapping[str, ReusedStep]"
    expected: Mapping[str, str] = field(default_factory=dict)
    allow_mixed: bool = False


def execute(
    compiled: "Compiled", target: RunTarget, logs: Path, base: Path, options: RunOptions | None = None
) -> "RunResult":
    """Run a compiled pipeline on the target, with progress on stderr.

    A local worker has ``base`` as its working directory, as in a sandbox.
    """
    from osiris_inspect.cli.pipeline.execution.cluster import run_on_dask
    from osiris_inspect.cli.pipeline.execution.progress import Progress
    from osiris_inspect.runtime import settings
    from osiris_inspect.runtime.connections.connections import Connections
    from osiris_inspect.runtime.proxy.proxy import RunRequest, run

    options = options or RunOptions()
    check_utf8(base.resolve(), "--base")
    spill_settings = options.settings or settings.read(os.environ, options.flags)
    variables = tuple(sorted(os.environ))
    transport = None if target is RunTarget.DASK else _transport(target, options)
    with Progress(streams.stderr(), quiet=options.quiet) as progress:
        key = os.environ.get("E2B_API_KEY")
        request = RunRequest(
            compiled,
            spill_settings,
            logs.absolute(),
            base.resolve(),
            time.time,
            variables,
            options.fail_fast,
            progress.on_event,
            connections=options.connections or Connections(),
            artifact_policy=options.artifacts.value,
            install_missing=options.install,
            secrets=(key,) if key else (),
            private=(cache_dir(),),
            access=run_access(),
            options={"on": target.value, **options.recorded},
            variable_digests=_variable_digests(options.connections),
            jobs=options.jobs,
        )
        if options.earlier is not None:
            request = replace(
                request,
                reused=options.earlier.reused,
                origin=options.earlier.origin,
                expected=options.earlier.expected,
                allow_mixed=options.earlier.allow_mixed,
            )
        try:
            with chdir(request.base if target is RunTarget.LOCAL else "."):
                outcome = run_on_dask(request, options) if transport is None else run(request, transport)
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


def _transport(target: RunTarget, options: RunOptions) -> "Transport":
    if options.memory is not None and target is not RunTarget.SANDBOX:
        raise SettingsError("--memory-limit limits a worker process; it needs --on sandbox or --on dask")
    from osiris_inspect.runtime.transport.create_transport import create_transport

    is_free = target is RunTarget.LOCAL and streams.free_stderr_descriptor()
    limits = resource_limits(options.memory, options.jobs)
    if options.jobs > 1 and target is RunTarget.E2B:
        streams.write_stderr("--jobs has no effect with --on e2b: the sandbox has one worker\n")
    return create_transport(
        target.value, os.environ, options.isolation.value, limits, redirect_stderr=is_free
    )


def resource_limits(memory: str | None, workers: int = 1) -> "ResourceLimits | None":
    """Return the limits of each worker: its part of the memory of the run."""
    from osiris_inspect.runtime.files.memory_limit import MIN_MEMORY_BYTES, parse_bytes
    from osiris_inspect.runtime.sandbox.isolation import ResourceLimits
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

"""Pipelines: check, compile and run them."""

import os
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from osiris_inspect.api.runs import PathLike, Run
from osiris_inspect.api.runs import open as open_run
from osiris_inspect.base.user_folders import user_folder
from osiris_inspect.model.errors import (
    SettingsError,
)

if TYPE_CHECKING:
    from osiris_inspect.runtime.pipeline.compiler import Compiled
    from osiris_inspect.runtime.pipeline.lint import LintMessage


Target = Literal["local", "sandbox", "e2b"]


def lint(
    pipeline: PathLike, *, params: Mapping[str, str] | None = None, profile: str | None = None
) -> "list[LintMessage]":
    """Check a pipeline file without running it; each message has severity, line and column.

    Raises:
        SettingsError: the file cannot be read.
    """
    from osiris_inspect.runtime.connections.connection_lint import lint_connections
    from osiris_inspect.runtime.pipeline.builtin_components import all_components
    from osiris_inspect.runtime.pipeline.compiler import pipeline_folder, read_pipeline
    from osiris_inspect.runtime.pipeline.lint import lint as check
    from osiris_inspect.runtime.pipeline.parameters import CompileInputs

    path = Path(pipeline)
    inputs = CompileInputs(dict(params or {}), os.environ, profile)
    connections = partial(
        lint_connections, components=all_components(), folders=(pipeline_folder(path),), named=None
    )
    return list(check(read_pipeline(path), str(path), all_components(), inputs, connections))


def compile(  # noqa: A001  the name of the command
    pipeline: PathLike, *, params: Mapping[str, str] | None = None, profile: str | None = None
) -> "Compiled":
    """Compile a pipeline file to its manifest and step configurations.

    Raises:
        PipelineError: the pipeline has mistakes; ``problems`` holds all of them with line and column.
        SettingsError: the file cannot be read.
    """
    from osiris_inspect.runtime.pipeline.builtin_components import all_components
    from osiris_inspect.runtime.pipeline.compiler import compile_pipeline, read_pipeline
    from osiris_inspect.runtime.pipeline.parameters import CompileInputs

    path = Path(pipeline)
    inputs = CompileInputs(dict(params or {}), os.environ, profile)
    return compile_pipeline(read_pipeline(path), str(path), all_components(), inputs)


def run(  # noqa: PLR0913  one parameter an option of `osiris-inspect run`
    pipeline: PathLike,
    *,
    on: Target = "local",
    params: Mapping[str, str] | None = None,
    profile: str | None = None,
    logs: PathLike = "logs",
    base: PathLike | None = None,
    connections: PathLike | None = None,
    env_file: PathLike | None = None,
    force_spill: bool | None = None,
    spill_threshold: int | None = None,
    step_timeout: float | None = None,
    hang_timeout: float | None = None,
    fail_fast: bool = False,
    jobs: int = 1,
) -> "Run":
    """Run a pipeline and open its run; a failed run is returned, not raised.

    Args:
        pipeline: the pipeline file.
        on: ``local`` (this process), ``sandbox`` (an isolated child process) or ``e2b``.
        params: values of ``${params.NAME}``.
        profile: the profile of the parameters.
        logs: the folder in which the run directory is created.
        base: the folder that relative paths of the pipeline start from; by default that of the pipeline file.
        connections: the connections file; by default ``osiris_connections.yaml`` in ``base`` or beside the pipeline.
        env_file: the file with variables; by default ``.env`` beside the connections file.
        force_spill: whether every frame is written to disk.
        spill_threshold: rows above which a frame is written to disk.
        step_timeout: seconds a step may take.
        hang_timeout: seconds without a heartbeat after which a worker process is ended.
        fail_fast: whether the first failed step ends the run.
        jobs: the most steps at a time; ``e2b`` runs one.

    Raises:
        PipelineError: the pipeline has mistakes.
        SettingsError: a setting, a file or a connection is invalid, or the run directory cannot be created.
    """
    from osiris_inspect.model.errors import RunError
    from osiris_inspect.runtime import settings
    from osiris_inspect.runtime.connections.connections import open_connections, resolve_connections
    from osiris_inspect.runtime.pipeline.builtin_components import all_components
    from osiris_inspect.runtime.pipeline.pipeline_files import check_start
    from osiris_inspect.runtime.proxy import proxy
    from osiris_inspect.runtime.transport.create_transport import create_transport

    if jobs < 1:
        raise SettingsError(f"jobs is {jobs}: it must be 1 or more")
    compiled = compile(pipeline, params=params, profile=profile)
    base_dir = compiled.folder if base is None else Path(base)
    folders = (base_dir, compiled.folder)
    file = open_connections(
        folders,
        os.environ,
        None if connections is None else Path(connections),
        None if env_file is None else Path(env_file),
    )
    flags = {
        "force_spill": None if force_spill is None else str(int(force_spill)),
        "spill_threshold": None if spill_threshold is None else str(spill_threshold),
        "step_timeout_s": None if step_timeout is None else str(step_timeout),
        "hang_timeout_s": None if hang_timeout is None else str(hang_timeout),
    }
    resolved = resolve_connections(compiled, all_components(), file)
    if base is None:
        check_start(compiled, all_components(), base_dir.resolve(), resolved.by_step)
    key = os.environ.get("E2B_API_KEY")
    request = proxy.RunRequest(
        compiled,
        settings.read(os.environ, flags),
        Path(logs),
        base_dir.resolve(),
        time.time,
        tuple(sorted(os.environ)),
        fail_fast=fail_fast,
        connections=resolved,
        secrets=(key,) if key else (),
        private=(user_folder("cache"),),
        jobs=jobs,
    )
    try:
        Path(logs).mkdir(parents=True, exist_ok=True)
        return open_run(proxy.run(request, create_transport(on, os.environ)).path)
    except (OSError, RunError) as error:
        raise SettingsError(str(error)) from error

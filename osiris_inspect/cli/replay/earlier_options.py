"""Options of an earlier run: its pipeline file, parameters, folders, target and settings."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osiris_inspect.cli.pipeline.execution.execute import RunOptions
from osiris_inspect.cli.pipeline.execution.pipeline_source import (
    base_folder,
    compile_file,
    connections_of,
    parse_params,
)
from osiris_inspect.cli.pipeline.run_options import Fetched, IsolationLevel, RunTarget
from osiris_inspect.model.errors import MaskedConfiguration, PipelineError
from osiris_inspect.model.redaction import MASK

if TYPE_CHECKING:
    from osiris_inspect.runtime.connections.connections import Connections
    from osiris_inspect.runtime.pipeline.compiler import Compiled
    from osiris_inspect.runtime.replay.earlier.earlier_run import PastRun


@dataclass(frozen=True, slots=True)
class EarlierOptions:
    """Options that an earlier run was started with, as far as it recorded them.

    Attributes:
        notes: lines for the user: what is another now.
    """

    compiled: "Compiled"
    connections: "Connections"
    base: Path
    target: RunTarget
    how: RunOptions
    notes: tuple[str, ...]


def options_of_run(
    earlier: "PastRun", params: list[str], connections: Path | None, env_file: Path | None, *, quiet: bool
) -> EarlierOptions:
    """Return the options of an earlier run, with its pipeline as it is now.

    Raises:
        PipelineError: the pipeline has errors, or neither its file nor its copy in the run can be used.
        MaskedConfiguration: a parameter or a value of the copy is masked.
    """
    from osiris_inspect.runtime.replay.earlier.earlier_pipeline import place_of, recorded_path

    recorded = earlier.options
    compiled, notes = _compile(earlier, parse_params(params))
    compiled = _without_left_out(compiled, earlier)
    base = recorded_path(earlier, "base")
    named = connections or recorded_path(earlier, "connections")
    resolved = connections_of(compiled, base, named, env_file or recorded_path(earlier, "env_file"))
    target = RunTarget(place_of(earlier).target)
    how = RunOptions(
        fail_fast=recorded.get("fail_fast") == "yes",
        quiet=quiet,
        connections=resolved,
        isolation=IsolationLevel(recorded.get("isolation", "auto")),
        artifacts=Fetched(recorded.get("artifacts", "small")),
        install=recorded.get("install_deps") == "yes",
        memory=recorded.get("memory_limit"),
        jobs=_jobs(recorded, len(compiled.manifest.steps)),
        recorded={key: text for key, text in recorded.items() if key != "on"},
        settings=_settings(earlier),
    )
    return EarlierOptions(
        compiled,
        resolved,
        base_folder(compiled, base, resolved),
        target,
        how,
        (*notes, *_changed_settings(earlier, how)),
    )


def _compile(earlier: "PastRun", params: Mapping[str, str]) -> tuple["Compiled", list[str]]:
    from osiris_inspect.runtime.replay.earlier.earlier_pipeline import pipeline_file, recorded_parameters

    before, profile = recorded_parameters(earlier)
    merged = {**before, **params}
    _check_masked(earlier, merged)
    file = pipeline_file(earlier)
    if file is None:
        return _compiled_copy(earlier), [
            f"the pipeline file {earlier.plan.get('file')} does not exist; its copy in {earlier.path} is used"
        ]
    changed = [
        f"parameter {name} is {params[name]!r}, not {before.get(name)!r}"
        for name in params
        if params[name] != before.get(name)
    ]
    compiled = compile_file(file, [f"{name}={value}" for name, value in merged.items()], profile)
    return compiled, changed


def _check_masked(earlier: "PastRun", params: Mapping[str, str]) -> None:
    from osiris_inspect.runtime.pipeline.parameters import env_name

    for name, value in params.items():
        if MASK in value:
            raise MaskedConfiguration(
                f"parameter {name!r} of {earlier.name} is masked",
                fix=f"set it with --param {name}=VALUE, as it was set by --param or {env_name(name)}",
                name=name,
            )


def _compiled_copy(earlier: "PastRun") -> "Compiled":
    from osiris_inspect.runtime.pipeline.compiled_pipeline import load_compiled

    try:
        return load_compiled(earlier.path)
    except PipelineError as error:
        masked = next((problem for problem in error.problems if "masked" in problem.message), None)
        if masked is None:
            raise
        raise MaskedConfiguration(masked.message, fix="restore the pipeline file") from None


def _without_left_out(compiled: "Compiled", earlier: "PastRun") -> "Compiled":
    """Return the pipeline without the steps that the selection of the earlier run left out."""
    from osiris_inspect.runtime.planning.selection import Selection, Selectors, restrict

    selection = earlier.plan.get("selection")
    names = selection.get("left_out") if isinstance(selection, Mapping) else None
    left_out = {step.id: "" for step in compiled.manifest.steps if step.id in (names or ())}
    running = {step.id: "" for step in compiled.manifest.steps if step.id not in left_out}
    return restrict(compiled, Selectors(), Selection(running, left_out))


def _settings(earlier: "PastRun") -> Any:
    from osiris_inspect.runtime import settings

    return settings.from_dict(earlier.start["settings"])


def _changed_settings(earlier: "PastRun", how: RunOptions) -> list[str]:
    """Return a line for each setting that the environment sets to another value now."""
    from osiris_inspect.runtime import settings

    now, before = settings.read(os.environ), how.settings
    names = [
        name for name in now.origins if before is not None and getattr(now, name) != getattr(before, name)
    ]
    return [
        f"{name} is {getattr(before, name)} as in {earlier.name}, not {getattr(now, name)} of the environment"
        for name in names
    ]


def _jobs(recorded: Mapping[str, Any], steps: int) -> int:
    from osiris_inspect.runtime.files.memory_limit import parse_bytes
    from osiris_inspect.runtime.planning.jobs import parse_jobs

    limit = recorded.get("memory_limit")
    memory = parse_bytes(limit, "--memory-limit") if limit else None
    return min(parse_jobs(recorded.get("jobs", "1"), memory), steps)

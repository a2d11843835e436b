"""Options of an earlier run: its pipeline file, parameters, folders, target and settings."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osiris_inspect.cli.pipeline.run import (
    RunOptions,
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
    from osiris_inspect.runtime.replay.earlier_run import PastRun

_TARGETS = {"local": RunTarget.LOCAL, "e2b": RunTarget.E2B}
"""Targets by the mode of a run that did not record its options; other modes are sandboxes."""


@dataclass(frozen=True, slots=True)
class EarlierOptions:
    """How an earlier run was started, as far as it recorded it.

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
    recorded = earlier.options
    compiled, notes = _compile(earlier, parse_params(params))
    compiled = _without_left_out(compiled, earlier)
    base = _folder(recorded.get("base"))
    named = connections or _folder(recorded.get("connections"))
    resolved = connections_of(compiled, base, named, env_file or _folder(recorded.get("env_file")))
    target = RunTarget(recorded["on"]) if "on" in recorded else _target(earlier)
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
    source = earlier.plan.get("source")
    source = source if isinstance(source, Mapping) else {}
    before = source.get("params")
    before = {str(key): str(value) for key, value in before.items()} if isinstance(before, Mapping) else {}
    merged = {**before, **params}
    _check_masked(earlier, merged)
    file = _pipeline_file(earlier)
    if file is None:
        return _compiled_copy(earlier), [
            f"the pipeline file {earlier.plan.get('file')} does not exist; its copy in {earlier.path} is used"
        ]
    changed = [
        f"parameter {name} is {params[name]!r}, not {before.get(name)!r}"
        for name in params
        if params[name] != before.get(name)
    ]
    profile = source.get("profile")
    compiled = compile_file(
        file, [f"{name}={value}" for name, value in merged.items()], str(profile) if profile else None
    )
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


def _pipeline_file(earlier: "PastRun") -> Path | None:
    """Return the pipeline file where the run recorded it; one that is beside its folder of runs if it was moved."""
    name = str(earlier.options.get("file") or earlier.plan.get("file") or "")
    logs = earlier.path.absolute().parent
    places = (Path(name), logs.parent / name, logs.parent / Path(name).name)
    return next(
        (place for place in places if name and place.is_file() and place.name != "manifest.yaml"), None
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


def _target(earlier: "PastRun") -> RunTarget:
    return _TARGETS.get(str(earlier.start.get("mode")), RunTarget.SANDBOX)


def _jobs(recorded: Mapping[str, Any], steps: int) -> int:
    from osiris_inspect.runtime.planning.jobs import parse_jobs
    from osiris_inspect.runtime.sandbox.byte_size import parse_bytes

    limit = recorded.get("memory_limit")
    memory = parse_bytes(limit, "--memory-limit") if limit else None
    return min(parse_jobs(recorded.get("jobs", "1"), memory), steps)


def _folder(value: object) -> Path | None:
    return Path(value) if isinstance(value, str) and value else None

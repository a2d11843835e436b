"""The pipeline of an earlier run: its file, its steps, and how it was started."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, get_args

from osiris_inspect.base.near_names import did_you_mean
from osiris_inspect.model.errors import NotOurs, PipelineError, SettingsError
from osiris_inspect.model.manifest import Step
from osiris_inspect.model.redaction import MASK
from osiris_inspect.runtime.pipeline.builtin_components import all_components
from osiris_inspect.runtime.pipeline.compiler import Compiled, compile_pipeline, read_pipeline
from osiris_inspect.runtime.pipeline.component import Component
from osiris_inspect.runtime.pipeline.parameters import CompileInputs
from osiris_inspect.runtime.replay.earlier.earlier_run import PastRun, read_earlier_run
from osiris_inspect.runtime.sandbox.isolation import RequestedLevel


class ReplayPlace(NamedTuple):
    """Place in which a step runs; ``isolation`` and ``memory_limit`` apply to the target ``sandbox``."""

    target: str
    isolation: RequestedLevel = "auto"
    memory_limit: str | None = None


def place_of(earlier: PastRun) -> ReplayPlace:
    """Return where the steps of an earlier run ran."""
    target = {"local": "local", "e2b": "e2b"}.get(str(earlier.start.get("mode")), "sandbox")
    recorded, memory = (earlier.options.get(name) for name in ("isolation", "memory_limit"))
    levels: dict[str, RequestedLevel] = {level: level for level in get_args(RequestedLevel)}
    is_plain = (
        earlier.start.get("mode") == "process" and recorded is None
    )  # the Python API records no options
    isolation = levels.get(str(recorded), "none" if is_plain else "auto")
    return ReplayPlace(target, isolation, memory if isinstance(memory, str) else None)


def pipeline_file(earlier: PastRun) -> Path | None:
    """Return the pipeline file where the run recorded it; one that is beside its folder of runs if it was moved."""
    name = str(earlier.options.get("file") or earlier.plan.get("file") or "")
    logs = earlier.path.absolute().parent
    places = (Path(name), logs.parent / name, logs.parent / Path(name).name)
    return next(
        (place for place in places if name and place.is_file() and place.name != "manifest.yaml"), None
    )


def base_folder(earlier: PastRun) -> Path:
    """Return the folder that relative paths of an earlier run start from; the one of its runs' folder if it is gone."""
    base, file = recorded_path(earlier, "base"), pipeline_file(earlier)
    if base is not None and base.is_dir():
        return base
    return file.absolute().parent if file is not None else earlier.path.absolute().parent.parent


def recorded_path(earlier: PastRun, option: str) -> Path | None:
    """Return the path that an option of the earlier run had; None if it had none."""
    value = earlier.options.get(option)
    return Path(value) if isinstance(value, str) and value else None


def recorded_parameters(earlier: PastRun) -> tuple[dict[str, str], str | None]:
    """Return the parameters of an earlier run by name, masked ones too, and its profile; None without one."""
    source = earlier.plan.get("source")
    source = source if isinstance(source, Mapping) else {}
    params, profile = source.get("params"), source.get("profile")
    known = params.items() if isinstance(params, Mapping) else ()
    return {str(name): str(value) for name, value in known}, str(profile) if profile else None


def compile_again(earlier: PastRun, environment: Mapping[str, str]) -> Compiled | None:
    """Return the pipeline of an earlier run as it is now, with its parameters; None if its file cannot be compiled.

    Masked parameters come from the environment.
    """
    file, (params, profile) = pipeline_file(earlier), recorded_parameters(earlier)
    if file is None:
        return None
    known = {name: value for name, value in params.items() if MASK not in value}
    inputs = CompileInputs(known, environment, profile)
    try:
        return compile_pipeline(read_pipeline(file), str(file), all_components(), inputs)
    except (PipelineError, SettingsError):  # the caller names the value that it cannot find
        return None


def component_of(path: Path, step: str, components: Mapping[str, Component] | None = None) -> Component:
    """Return the component of a step of a run.

    Raises:
        RunNotReadable: the run cannot be read.
        NotOurs: it was not made by this program.
        SettingsError: there is no such step, or its component is not installed.
    """
    components = components if components is not None else all_components()
    return installed_component(find_step(read_run(path), step), components)


def find_step(earlier: PastRun, name: str) -> Step:
    """Return a step of a run.

    Raises:
        SettingsError: there is no such step.
    """
    steps = {step.id: step for step in earlier.manifest.steps}
    if name not in steps:
        raise SettingsError(
            f"{earlier.name} has no step {name!r}{did_you_mean(name, steps)}; its steps are "
            f"{', '.join(list(steps)[:20])}"
        )
    return steps[name]


def installed_component(step: Step, components: Mapping[str, Component]) -> Component:
    """Return the component of a step.

    Raises:
        SettingsError: it is not installed.
    """
    component = components.get(step.driver)
    if component is None:
        raise SettingsError(
            f"the component {step.driver!r} of step {step.id!r} is not installed", fix="install its package"
        )
    return component


def read_run(path: Path) -> PastRun:
    """Return an earlier run whose steps can be replayed.

    Raises:
        RunNotReadable: it cannot be read.
        NotOurs: it was not made by this program.
    """
    try:
        return read_earlier_run(path)
    except NotOurs:
        raise NotOurs(
            f"{path} was not made by osiris-inspect run, so the inputs of its steps are not there",
            fix="run its pipeline with osiris-inspect run",
            path=str(path),
        ) from None

"""The pipeline file of an earlier run, and the folders and files that the run was started with."""

from collections.abc import Mapping
from pathlib import Path

from osiris_inspect.model.errors import PipelineError, SettingsError
from osiris_inspect.model.redaction import MASK
from osiris_inspect.runtime.pipeline.builtin_components import all_components
from osiris_inspect.runtime.pipeline.compiler import Compiled, compile_pipeline, read_pipeline
from osiris_inspect.runtime.pipeline.parameters import CompileInputs
from osiris_inspect.runtime.replay.earlier_run import PastRun


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


def compile_again(earlier: PastRun, environment: Mapping[str, str]) -> Compiled | None:
    """Return the pipeline of an earlier run as it is now, with its parameters; None if its file cannot be compiled.

    Masked parameters come from the environment.
    """
    file, source = pipeline_file(earlier), earlier.plan.get("source")
    if file is None:
        return None
    source = source if isinstance(source, Mapping) else {}
    params = source.get("params")
    known = {
        str(name): str(value)
        for name, value in (params.items() if isinstance(params, Mapping) else ())
        if MASK not in str(value)
    }
    profile = source.get("profile")
    inputs = CompileInputs(known, environment, str(profile) if profile else None)
    try:
        return compile_pipeline(read_pipeline(file), str(file), all_components(), inputs)
    except (PipelineError, SettingsError):  # the caller names the value that it cannot find
        return None

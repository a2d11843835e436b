"""The pipeline as it is now, to compare it with an earlier run."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any

from osiris_inspect.model.redaction import Redactor, mask_by_key
from osiris_inspect.runtime.connections.connections import Connections
from osiris_inspect.runtime.files.symlinks import resolved
from osiris_inspect.runtime.pipeline import pipeline_files
from osiris_inspect.runtime.pipeline.compiler import Compiled
from osiris_inspect.runtime.pipeline.component import Component
from osiris_inspect.runtime.planning.schedule import build_schedule
from osiris_inspect.runtime.protocol.code_identity import driver_code
from osiris_inspect.runtime.protocol.driver_packages import driver_packages, requirements_of
from osiris_inspect.runtime.proxy.secret_names import names_among
from osiris_inspect.runtime.replay.earlier.earlier_frames import find_frame
from osiris_inspect.runtime.replay.earlier.earlier_run import PastRun
from osiris_inspect.runtime.replay.reuse_plan import CurrentPipeline
from osiris_inspect.runtime.sandbox.permissions import config_secrets


def current_pipeline(
    compiled: Compiled,
    components: Mapping[str, Component],
    connections: Connections,
    base: Path,
    earlier: PastRun,
) -> CurrentPipeline:
    """Return the pipeline with what a plan compares: masked configurations, drivers' code, frames on disk."""
    secrets = (*connections.secrets, *config_secrets(compiled, components))
    redactor = Redactor(secrets, names_among(secrets, compiled, connections))
    configs = {step: redactor.redact_value(mask_by_key(config)) for step, config in compiled.configs.items()}
    used = {
        step.driver: components[step.driver] for step in compiled.manifest.steps if step.driver in components
    }
    return CurrentPipeline(
        compiled,
        configs,
        components,
        connections.by_step,
        cache(partial(_code_of, used)),
        partial(find_frame, earlier.path),
        _output_check(compiled, components, connections, base, earlier),
        build_schedule(compiled, components, base, connections.by_step).edges,
    )


def _code_of(components: Mapping[str, Component], driver: str) -> Mapping[str, Any] | None:
    """Return the identity of the code of a driver on this machine; None if it cannot be imported."""
    component = components.get(driver)
    if component is None:
        return None
    module, _, attribute = component.driver.partition(":")
    try:
        instance = getattr(import_module(module), attribute)()
    except Exception:  # noqa: BLE001  any code may run in an import; the step then runs again
        return None
    packages = driver_packages([component])
    return driver_code(instance, requirements_of(packages, [component]) if packages else {})


def _output_check(
    compiled: Compiled,
    components: Mapping[str, Component],
    connections: Connections,
    base: Path,
    earlier: PastRun,
) -> Callable[[str], bool]:
    """Return a function that tells if the output files of a step were downloaded."""
    drivers = {step.id: step.driver for step in compiled.manifest.steps}

    def has_outputs(step: str) -> bool:
        outputs = pipeline_files.outputs_of_step(
            components.get(drivers[step]), compiled.configs[step], base, connections.by_step.get(step)
        )
        return all(_is_fetched(path, base, earlier.fetched) for path in outputs)

    return has_outputs


def _is_fetched(path: Path, base: Path, fetched: frozenset[str]) -> bool:
    names = {path.as_posix()}
    for outside, inside in ((path, base), (resolved(path), resolved(base))):
        if outside.is_relative_to(inside):
            names.add(outside.relative_to(inside).as_posix())
    return not fetched.isdisjoint(names)

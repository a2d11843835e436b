"""Components that an untrusted run describes, for drivers whose code is in its zip."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args

from osiris_inspect.model.errors import SettingsError
from osiris_inspect.runtime.pipeline.component import Component, ComponentMode, ConfigKey, ValueKind
from osiris_inspect.runtime.protocol.dependencies import COMPONENTS, read_component_specs

_DRIVER: Final = re.compile(r"[A-Za-z_][\w.]{0,200}:[A-Za-z_]\w{0,100}")
_INPUTS: Final = ("none", "one", "many")


def described_components(run: Path) -> dict[str, Component]:
    """Return the components that a run directory describes, by name.

    Raises:
        SettingsError: the description is missing or damaged.
    """
    try:
        document = read_component_specs(run)
        return {str(name): _component(str(name), spec) for name, spec in document["components"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SettingsError(
            f"{run / COMPONENTS} cannot be read: {type(error).__name__}", fix="leave out --with-code"
        ) from None


def _component(name: str, spec: Mapping[str, Any]) -> Component:
    """Return a component; its keys have no defaults, because a configuration in a run is complete."""
    driver, inputs = str(spec["driver"]), spec["inputs"]
    modes: dict[str, ComponentMode] = {mode: mode for mode in get_args(ComponentMode)}
    if _DRIVER.fullmatch(driver) is None or inputs not in _INPUTS:
        raise ValueError(name)
    return Component(
        name,
        "Of a zip.",
        driver,
        modes=tuple(modes[mode] for mode in spec["modes"]),
        keys=tuple(_key(key) for key in spec["keys"]),
        inputs=inputs,
        produces_frame=spec["produces_frame"] is True,
        requires=tuple(str(module) for module in spec["requires"]),
        family=None if spec["family"] is None else str(spec["family"]),
    )


def _key(spec: Mapping[str, Any]) -> ConfigKey:
    kinds: dict[str, ValueKind] = {kind: kind for kind in get_args(ValueKind)}
    return ConfigKey(str(spec["name"]), kinds[spec["kind"]], "", secret=spec["secret"] is True)

"""Keys of a compiled pipeline that are masked on disk; a step with a masked key cannot be run from disk."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from osiris_inspect.model.errors import Problem
from osiris_inspect.model.manifest import Manifest
from osiris_inspect.model.redaction import MASK, mask_by_key
from osiris_inspect.runtime.pipeline.compiler import Compiled

KEY: Final = "masked"
"""Key of the compiled manifest with the masked keys by step id; absent in manifests of older versions."""


def masked_keys(compiled: Compiled) -> Manifest:
    """Return the manifest with the masked keys of its configurations added."""
    masked = {step: list(_changed(config)) for step, config in compiled.configs.items()}
    masked = {step: keys for step, keys in masked.items() if keys}
    return replace(compiled.manifest, other_keys={**compiled.manifest.other_keys, KEY: masked})


def masked_key_problems(plan: Manifest, configs: Mapping[str, Mapping[str, Any]], file: str) -> list[Problem]:
    """Return a problem for each masked key, which prevents a compiled pipeline from running from disk."""
    pipeline = plan.other_keys.get("file") or "the pipeline file"
    return [
        Problem(
            f"cannot run step {step!r} from disk: {key!r} looked like a secret and was masked when compiled; "
            f"run {pipeline} itself, or move the secret to a connection and compile again",
            file,
        )
        for step, keys in _masked(plan, configs).items()
        for key in keys
    ]


def _masked(plan: Manifest, configs: Mapping[str, Mapping[str, Any]]) -> Mapping[str, list[str]]:
    recorded = plan.other_keys.get(KEY)
    if isinstance(recorded, Mapping):
        return {str(step): [str(key) for key in keys] for step, keys in recorded.items()}
    return {
        step: [key for key, value in _leaves(config, ()) if isinstance(value, str) and MASK in value]
        for step, config in configs.items()
    }


def _changed(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield the dotted keys whose values masking changes, such as ``dtype.zip`` or ``columns.0``."""
    original = dict(_leaves(config, ()))  # without the key of a list or mapping that is masked as a whole
    return (key for key, value in _leaves(mask_by_key(config), ()) if original.get(key) != value)


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Yield the dotted key and the value of each scalar."""
    if value and isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, (*path, str(key)))
    elif value and isinstance(value, list | tuple):
        for position, item in enumerate(value):
            yield from _leaves(item, (*path, str(position)))
    else:
        yield ".".join(path), value

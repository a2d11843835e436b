"""Which keys of a compiled pipeline are masked on disk: a step that lacks one of them is not the step that was written."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from osiris_inspect.model.errors import Problem
from osiris_inspect.model.manifest import Manifest
from osiris_inspect.model.redaction import MASK, mask_by_key
from osiris_inspect.runtime.pipeline.compiler import Compiled

KEY: Final = "masked"
"""Where the manifest of a compile tells it: the masked keys by step id. A manifest without it was made before."""


def masked_keys(compiled: Compiled) -> Manifest:
    """The manifest with what is masked in its configurations; empty where nothing is."""
    masked = {
        step: list(_changed(config, mask_by_key(config), ())) for step, config in compiled.configs.items()
    }
    found = {step: keys for step, keys in masked.items() if keys}
    return replace(compiled.manifest, other_keys={**compiled.manifest.other_keys, KEY: found})


def masked_key_problems(plan: Manifest, configs: Mapping[str, Mapping[str, Any]], file: str) -> list[Problem]:
    """Why what was compiled cannot be run from disk: a line for each key that was masked."""
    written = plan.other_keys.get("file") or "the pipeline file"
    return [
        Problem(
            f"step {step!r}: {key!r} held what looks like a secret and is masked on disk, so this is not what was "
            f"compiled; run {written} itself, or put the secret into a connection and compile again",
            file,
        )
        for step, keys in _masked(plan, configs).items()
        for key in keys
    ]


def _masked(plan: Manifest, configs: Mapping[str, Mapping[str, Any]]) -> Mapping[str, list[str]]:
    told_there = plan.other_keys.get(KEY)
    if isinstance(told_there, Mapping):
        return {str(step): [str(key) for key in keys] for step, keys in told_there.items()}
    return {step: list(_keys_containing_mask(config, ())) for step, config in configs.items()}


def _changed(value: Any, masked: Any, path: tuple[str, ...]) -> Iterator[str]:
    """The keys whose values masking changes, dotted: ``dtype.zip``, ``columns.0``."""
    if isinstance(value, Mapping) and isinstance(masked, Mapping):
        for key, item in value.items():
            yield from _changed(item, masked[key], (*path, str(key)))
    elif isinstance(value, list | tuple) and isinstance(masked, list):
        for place, (item, other) in enumerate(zip(value, masked, strict=True)):
            yield from _changed(item, other, (*path, str(place)))
    elif value != masked:
        yield ".".join(path)


def _keys_containing_mask(value: Any, path: tuple[str, ...]) -> Iterator[str]:
    """The keys whose texts hold the mask."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _keys_containing_mask(item, (*path, str(key)))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _keys_containing_mask(item, (*path, str(place)))
    elif isinstance(value, str) and MASK in value:
        yield ".".join(path)

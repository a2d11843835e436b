"""Configuration of a step of an earlier run: what is masked in it, and what the user changes."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from osiris_inspect.base.near_names import did_you_mean
from osiris_inspect.model.errors import MaskedConfiguration, SettingsError
from osiris_inspect.model.redaction import MASK
from osiris_inspect.runtime.pipeline.component import Component, ConfigKey
from osiris_inspect.runtime.replay.earlier.earlier_run import PastRun


def recorded_config(
    earlier: PastRun,
    step: str,
    current: Callable[[], Mapping[str, Any]],
    changed: Mapping[str, Any],
    removed: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """Return the configuration of a step as it was; masked values come from the pipeline as it is now.

    Args:
        earlier: the run.
        step: the step.
        current: returns the configuration of the step in the pipeline file, empty if there is none.
        changed: values that replace those of the run, by key.
        removed: keys that are left out.

    Raises:
        MaskedConfiguration: it was not written, or a masked value is not in the pipeline; the message names it.
    """
    recorded = earlier.configs.get(step)
    if recorded is None:
        raise MaskedConfiguration(
            f"the configuration of step {step!r} is not in {earlier.path}", fix="run the pipeline again"
        )
    kept = {key: value for key, value in recorded.items() if key not in changed and key not in removed}
    masked = [key for key, value in kept.items() if any(_masked_keys(key, value))]
    now = current() if masked else {}
    for key in masked:
        kept[key] = _unmask(earlier, step, (key,), kept[key], now.get(key))
    return {**kept, **changed}


def parse_change(component: Component, name: str, text: str) -> Any:
    """Return the value of a key from a text: a text if the key takes one, otherwise JSON.

    Raises:
        SettingsError: the component has no such key, or the value is invalid.
    """
    key = _key(component, name)
    value: Any = text
    if key.type_name not in ("string",) and key.kind != "encoding":
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            value = text  # a string or list; otherwise the error says what is expected
    return checked_change(component, name, value)


def checked_change(component: Component, name: str, value: Any) -> Any:
    """Return the value of a key of a component.

    Raises:
        SettingsError: the component has no such key, or the value is invalid.
    """
    problem = _key(component, name).validation_error(value)
    if problem is not None:
        raise SettingsError(f"cannot set {name!r}: {problem}")
    return value


def _key(component: Component, name: str) -> ConfigKey:
    key = component.key(name)
    if key is None:
        names = [each.name for each in component.keys]
        raise SettingsError(
            f"{component.name} has no key {name!r}{did_you_mean(name, names)}; its keys are {', '.join(names)}"
        )
    return key


def _masked_keys(key: str, value: Any) -> Iterator[str]:
    """Yield the dotted keys of the masked texts in a value."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _masked_keys(f"{key}.{name}", item)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _masked_keys(f"{key}.{position}", item)
    elif isinstance(value, str) and MASK in value:
        yield key


def _unmask(earlier: PastRun, step: str, path: tuple[str, ...], recorded: Any, now: Any) -> Any:
    """Return a recorded value with its masked texts as they are in the pipeline."""
    if isinstance(recorded, Mapping):
        values = now if isinstance(now, Mapping) else {}
        return {
            key: _unmask(earlier, step, (*path, key), item, values.get(key)) for key, item in recorded.items()
        }
    if isinstance(recorded, list):
        items = list(now) if isinstance(now, list | tuple) and len(now) == len(recorded) else []
        items += [None] * (len(recorded) - len(items))
        return [
            _unmask(earlier, step, (*path, str(position)), *pair)
            for position, pair in enumerate(zip(recorded, items, strict=True))
        ]
    if not isinstance(recorded, str) or MASK not in recorded:
        return recorded
    if isinstance(now, str) and _can_be(recorded, now):
        return now
    name = ".".join(path)
    raise MaskedConfiguration(
        f"{name!r} of step {step!r} is masked in {earlier.name}, and the pipeline file has no value for it",
        fix=f"add --set {path[0]}=VALUE, or restore the pipeline file and the variables that it needs",
        step=step,
        setting=name,
    )


def _can_be(masked: str, text: str) -> bool:
    """Return True if a text can be what was masked."""
    parts = masked.split(MASK)
    return MASK not in text and text.startswith(parts[0]) and text.endswith(parts[-1])

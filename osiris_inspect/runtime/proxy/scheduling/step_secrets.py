"""Connection, configuration and secrets that only the worker of a step receives."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from osiris_inspect.model.manifest import Step
from osiris_inspect.model.redaction import mask_by_key
from osiris_inspect.runtime.proxy.scheduling.run_context import RunContext


@dataclass(frozen=True, slots=True)
class StepSecrets:
    """Confidential part of a step; ``repr`` shows no value.

    Attributes:
        connection: the resolved connection; empty without one.
        config: the configuration, if it is masked in its file; otherwise None.
        values: secrets to mask.
        by_place: those of them that are words or names, masked by their place only.
    """

    connection: Mapping[str, Any] = field(repr=False)
    config: Mapping[str, Any] | None = field(repr=False)
    values: tuple[str, ...] = field(repr=False)
    by_place: tuple[str, ...] = field(repr=False)


def step_secrets(context: RunContext, step: Step) -> StepSecrets:
    """Return the confidential part of a step."""
    redactor = context.progress.redactor
    config = context.request.compiled.configs[step.id]
    connection = context.connection_of(step)
    is_masked = redactor.redact_value(mask_by_key(config)) != config
    texts = [*_texts(connection), *_texts(config), *_texts(step.checks)]
    own = context.request.connections.secrets_by_step.get(step.id, ())
    values = tuple(name for name in context.secrets if name in own or any(name in text for text in texts))
    by_place = tuple(sorted(redactor.by_place.intersection(values)))
    return StepSecrets(connection, config if is_masked else None, values, by_place)


def _texts(value: Any) -> Iterator[str]:
    """Yield all texts and numbers of a JSON value."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    elif value is not None:
        yield str(value)

"""Fields of events as they may be shown."""

from typing import Any

from osiris_inspect.model import redaction as redact
from osiris_inspect.model.event import Event


def masked_fields(event: Event) -> dict[str, Any]:
    """The fields of an event, secrets masked."""
    masked: dict[str, Any] = dict(redact.mask_by_key(event.fields))
    for key in safe_keys(event):
        value = event.fields.get(key)
        if isinstance(value, str) and redact.mask_by_pattern(value) == value:
            masked[key] = value
    return masked


def safe_keys(event: Event) -> tuple[str, ...]:
    """The fields that are named like a secret and are none.

    A ``key`` is a secret in a configuration; where an event speaks of an input it is the name of a result.
    """
    return ("key",) if event.upstream_steps else ()

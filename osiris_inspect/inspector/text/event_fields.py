"""The fields of an event with secrets masked."""

from typing import Any

from osiris_inspect.model import redaction as redact
from osiris_inspect.model.event import Event


def masked_fields(event: Event) -> dict[str, Any]:
    """Return the fields of an event with secrets masked."""
    masked: dict[str, Any] = dict(redact.mask_by_key(event.fields))
    for key in safe_keys(event):
        value = event.fields.get(key)
        if isinstance(value, str) and redact.mask_by_pattern(value) == value:
            masked[key] = value
    return masked


def safe_keys(event: Event) -> tuple[str, ...]:
    """Return the fields that are named like a secret but are not one.

    ``key`` names a secret in a configuration, but the name of a result in an event about an input.
    """
    return ("key",) if event.upstream_steps else ()

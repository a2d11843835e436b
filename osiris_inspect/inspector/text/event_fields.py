"""The fields of an event with secrets masked."""

from collections.abc import Mapping
from typing import Any

from osiris_inspect.model import redaction as redact
from osiris_inspect.model.event import Event


def masked_fields(event: Event) -> dict[str, Any]:
    """Return the fields of an event with secrets masked."""
    if is_clean(event.fields):
        return dict(event.fields)
    masked: dict[str, Any] = dict(redact.mask_by_key(event.fields))
    for key in safe_keys(event):
        value = event.fields.get(key)
        if isinstance(value, str) and redact.mask_by_pattern(value) == value:
            masked[key] = value
    return masked


def is_clean(fields: Mapping[str, Any]) -> bool:
    """Return True if nothing in a JSON object can be a secret, by its key or by a pattern."""
    texts: list[str] = []
    return not _has_secret_key(fields, texts) and not redact.may_be_masked("\n".join(texts))


def _has_secret_key(value: Any, texts: list[str]) -> bool:
    """Return True if an object in a JSON value has a key of a secret; else collect the texts of the value."""
    if value.__class__ is str:
        texts.append(value)
    elif isinstance(value, Mapping):
        return any(redact.is_secret_key(key) or _has_secret_key(item, texts) for key, item in value.items())
    elif value.__class__ is list:
        return any(_has_secret_key(item, texts) for item in value)
    return False


def safe_keys(event: Event) -> tuple[str, ...]:
    """Return the fields that are named like a secret but are not one.

    ``key`` names a secret in a configuration, but the name of a result in an event about an input.
    """
    return ("key",) if event.upstream_steps else ()

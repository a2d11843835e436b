"""Fields of events as they may be shown."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from osiris_inspect.model.event import Event


def fields_of(event: "Event") -> dict[str, Any]:
    """The fields of an event, secrets masked.

    A ``key`` is a secret in a configuration; where an event speaks of an input it is the name of a result.
    """
    from osiris_inspect.model import redact

    masked: dict[str, Any] = dict(redact.mask_keys(event.fields))
    key = event.fields.get("key")
    if event.from_steps and isinstance(key, str) and redact.mask_patterns(key) == key:
        masked["key"] = key
    return masked

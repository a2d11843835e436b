"""Which keys of a filter have a column, and which bytes of a line tell that it may have a value."""

from typing import Final, NamedTuple

from osiris_inspect.inspector.event_log.filter.filter import BUILTIN_FIELDS
from osiris_inspect.model.event import ENVELOPE

_FALLBACKS: Final = {
    "rows": ("value", "rows_processed", "rows_written"),
    "duration": ("duration_ms", "duration_s", "total_duration", "duration_seconds"),
    "duration_s": ("duration_ms", "duration", "total_duration", "duration_seconds"),
    "error_type": ("error",),
    "from_step": ("from_steps",),
    "error": (),
}
"""Keys with a computed value, and the fields that it is computed from if there is no field with the name."""


TABLE_KEYS: Final = {"rows": "rows", "seq": "seq#", "duration_s": "duration_ms#"}
"""Columns of the table ``events`` and the keys that they are read from; a key with ``#`` is of no filter."""
_TABLE_FALLBACKS: Final = {
    "seq#": (),
    "duration_ms#": ("duration_s", "duration", "total_duration", "duration_seconds"),
}


class FieldKey(NamedTuple):
    """A key of a filter whose values can be read without an event.

    Attributes:
        names: the names of JSON keys of which a line with a value contains the last, or all if it is nested.
        path: the paths of the value in the object of a line; the first that exists is used.
        fallbacks: the fields that decide the value of a line without one; such lines are decoded.
    """

    key: str
    names: tuple[str, ...]
    paths: tuple[str, ...]
    fallbacks: tuple[str, ...] = ()

    @property
    def needs_failures(self) -> bool:
        """True if a failure without a value may have a computed one."""
        return self.key == "error"


def field_key(key: str) -> FieldKey | None:
    """Return the column of a key; None if its values are not those of one field."""
    if key in _TABLE_FALLBACKS:
        name = key.removesuffix("#")
        return FieldKey(key, (name,), (_path((name,)),), _TABLE_FALLBACKS[key])
    parts = key.split(".")
    if parts[0] in ENVELOPE or not all(parts) or (key in BUILTIN_FIELDS and key not in _FALLBACKS):
        return None
    whole = _path((key,))
    if len(parts) == 1:
        return FieldKey(key, (key,), (whole,), _FALLBACKS.get(key, ()))
    return FieldKey(key, (key, *parts), (whole, _path(parts)))


def _path(names: tuple[str, ...] | list[str]) -> str:
    return "$" + "".join(f'."{name}"' for name in names)
